"""The words of the Results screen: why a key can't act."""

from engine.base.language import tr

OF_A_RESULT = ("pick", "step", "turn_view", "turn_measures", "more_images", "plots", "prevalence", "predict", "copy")
"""The actions for which a run must have been tested."""
NONE_TESTED = tr("No run has been tested yet: a training ends with its test.")
OLDEST, NEWEST = tr("No older run has been tested."), tr("No newer run has been tested.")
NO_SCALE = tr("What answers are worth is not known of this run: it has no threshold, or it is still being worked out.")
END_OF_SCALE = tr("The scale ends here.")
NO_CURVE = tr("Only a run by the recipe auto says what more images would bring.")
NO_MISTAKE = tr("No image is chosen: m goes to the list of answers.")
