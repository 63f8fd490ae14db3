"""Screen 8: which layers are worth training?"""
