"""From a folder of image files to a split manifest and a store of pixels."""
