"""How a dataset's folders are read: which are classes, parts or patients, and which files are images and masks."""
