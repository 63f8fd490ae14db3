"""The one door through which pictures enter: formats, DICOM, memory, and what is noted on the way."""
