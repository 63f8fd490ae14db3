"""Preprocessing in NumPy, to the bits that `engine.network.classifier.preprocess` gives. Needs no TensorFlow."""

import numpy as np

CAFFE_MEANS = (103.939, 116.779, 123.68)
"""ImageNet's mean blue, green and red, from 0 to 255."""


def caffe(images: np.ndarray) -> np.ndarray:
    """RGB images (..., 3) of intensities from 0 to 255 as VGG was trained on them: blue-green-red, less the means,
    float32.
    """
    return np.asarray(images[..., ::-1].astype(np.float32) - np.array(CAFFE_MEANS, np.float32))
