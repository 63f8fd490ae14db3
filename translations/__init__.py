"""The translations of all text that people read: collected from the code, kept as a .po file a language, compiled."""
