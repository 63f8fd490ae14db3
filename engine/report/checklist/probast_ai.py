"""PROBAST+AI 2025, on the quality and risk of bias of prediction models: its 16 and 18 questions, in our words.

The list numbers the questions on development and those on evaluation alike; a D or an E before the number tells which.
"""

from engine.base.language import marked, tr
from engine.report.checklist import about_data as data
from engine.report.checklist import about_model as model
from engine.report.checklist import about_results as results
from engine.report.checklist.item import Checklist, Group, Item

_DESIGN = tr("Is this kind of study fit for the question?")
_FIT = tr("Do those who were taken in stand for those whom the model is meant for?")
_ALIKE = tr("Were the images of all people taken in the same way?")
_BLIND = tr("Were images taken and chosen without regard to the label?")
_FOUND = tr("Was the label found in a sound way?")
_SAME = tr("Was it found in the same way for all?")
_UNSEEN = tr("Was it given without a look at this image?")
_TIME = tr("Did image and label lie close enough in time?")

PROBAST_AI = Checklist(
    "probast-ai",
    "PROBAST+AI 2025",
    "Moons et al. 2025, PROBAST+AI: an updated quality, risk of bias, and applicability assessment tool for prediction "
    "models using regression or artificial intelligence methods, BMJ 388:e082505",
    (
        Group(marked("Development: people and data"), (
            Item("D1.1", tr("Are the data of a sound source?"), data.sound_source, tr("Is it fit for the purpose?")),
            Item("D1.2", _DESIGN, ask=tr("Design of the study that gathered the training data, and why it fits.")),
            Item("D1.3", _FIT, ask=tr("Whom the training images stand for.")),
        )),
        Group(marked("Development: predictors"), (
            Item("D2.1", _ALIKE, data.alike, tr("How the training images of each class were taken.")),
            Item("D2.2", tr("Were all images prepared in the same way?"), data.preparation),
            Item("D2.3", _BLIND, ask=tr("Did those who took and chose the training images know the label?")),
            Item("D2.4", tr("Is all that the model reads there when it is used?"), model.architecture),
        )),
        Group(marked("Development: outcome"), (
            Item("D3.1", _FOUND, ask=tr("What a label of the training images rests on.")),
            Item("D3.2", _SAME, ask=tr("Whether all classes of the training were labelled by the same rule.")),
            Item("D3.3", _UNSEEN, ask=tr("Whether those who labelled the training images used the X-ray itself.")),
            Item("D3.4", _TIME, ask=tr("Time between training image and the test behind its label.")),
        )),
        Group(marked("Development: analysis"), (
            Item("D4.1", tr("Were there enough images to learn from?"), data.enough_to_learn),
            Item("D4.2", tr("Were the predictors handled in a sound way?"), data.preparation),
            Item("D4.3", tr("Were missing data handled in a sound way?"), data.unreadable),
            Item("D4.4", tr("Where classes were made to count alike, was the model recalibrated?"), model.recalibrated),
            Item("D4.5", tr("Was something done against overfitting?"), model.overfitting),
        )),
        Group(marked("Evaluation: people and data"), (
            Item("E1.1", tr("Are the data of a sound source?"), data.sound_source, tr("Is it fit for the purpose?")),
            Item("E1.2", _DESIGN, ask=tr("Design of the study that gathered the test data, and why it fits.")),
            Item("E1.3", _FIT, ask=tr("Whom the test images stand for.")),
        )),
        Group(marked("Evaluation: predictors"), (
            Item("E2.1", _ALIKE, data.alike, tr("How the test images of each class were taken.")),
            Item("E2.2", tr("Were all images prepared in the same way?"), data.preparation),
            Item("E2.3", _BLIND, ask=tr("Did those who took and chose the test images know the label?")),
            Item("E2.4", tr("Is all that the model reads there when it is used?"), model.predicting),
        )),
        Group(marked("Evaluation: outcome"), (
            Item("E3.1", _FOUND, ask=tr("What a label of the test images rests on.")),
            Item("E3.2", _SAME, ask=tr("Whether all classes of the test were labelled by the same rule.")),
            Item("E3.3", _UNSEEN, ask=tr("Whether those who labelled the test images used the X-ray itself.")),
            Item("E3.4", _TIME, ask=tr("Time between test image and the test behind its label.")),
        )),
        Group(marked("Evaluation: analysis"), (
            Item("E4.1", tr("Was it tested on other images than it learnt from?"), results.not_apparent),
            Item("E4.2", tr("Were there enough images to test on?"), data.enough_to_test),
            Item("E4.3", tr("Were missing data handled in a sound way?"), data.unreadable),
            Item("E4.4", tr("Were the classes of the test left as frequent as they were?"), results.as_drawn),
            Item("E4.5", tr("Is nothing of the test in the training?"), data.leakage),
            Item("E4.6", tr("Where images were drawn again, was all done anew?"), results.resampling),
            Item("E4.7", tr("Were discrimination, calibration and use measured?"), results.appropriate),
        )),
    ),
)  # fmt: skip
