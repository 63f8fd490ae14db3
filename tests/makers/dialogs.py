"""Every dialog of the workbench that keys open, on the made workplace."""

OPENED_BY = {
    "begin": "1 f3", "settings": "1 f2", "help": "2 question_mark", "folder": "1 o", "split": "1 s", "problems": "1 p",
    "equal": "1 d", "sources": "1 u", "augmentation": "1 a", "picture": "1 i F", "schedule": "3 l",
    "save": "3 w", "load": "3 o", "log": "4 f 3 n", "curves": "4 f 3 Z", "delete": "4 d", "run": "5 r",
    "judged": "5 Z", "relabel": "9 s r",
}  # fmt: skip
"""By its name: the keys that open it from any screen, one after another."""
