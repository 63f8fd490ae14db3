"""CLAIM 2024, the checklist for artificial intelligence in medical imaging: its 44 items, in our words."""

from engine.base.language import marked, tr
from engine.report.checklist import about_data as data
from engine.report.checklist import about_model as model
from engine.report.checklist import about_results as results
from engine.report.checklist.item import Checklist, Group, Item

CLAIM = Checklist(
    "claim",
    "CLAIM 2024",
    "Tejani et al. 2024, Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update, Radiology: "
    "Artificial Intelligence 6(4):e240300",
    (
        Group(marked("Title and abstract"), (
            Item("1", tr("Does the title say that this is about artificial intelligence, and which kind?"),
                 model.technique, tr("Put the kind of model into the title or the abstract.")),
            Item("2", tr("Are design, methods, results and conclusions in the abstract?"),
                 ask=tr("Write the abstract: design, methods, results, conclusions.")),
        )),
        Group(marked("Introduction"), (
            Item("3", tr("What is the background, and what is the model to be used for?"),
                 ask=tr("Which clinical question, and which role of the model in answering it?")),
            Item("4", tr("What did the study set out to find?"), ask=tr("Aims, and hypotheses where there were some.")),
        )),
        Group(marked("Methods: design"), (
            Item("5", tr("Were the data gathered for the study, or before it?"),
                 ask=tr("Prospective or retrospective?")),
            Item("6", tr("Which kind of study is it?"),
                 ask=tr("A first try, a comparison, a test of a finished model?")),
        )),
        Group(marked("Methods: data"), (
            Item("7", tr("Where do the data come from?"), data.source, tr("Hospitals, dates, and are they public?")),
            Item("8", tr("Who was taken in, and who was not?"),
                 ask=tr("Rules by which people and images were taken in.")),
            Item("9", tr("What was done to the images before the model saw them?"), data.preparation),
            Item("10", tr("Was a part of the data chosen?"), data.chosen),
            Item("11", tr("How were names and other traits of people removed?"),
                 ask=tr("How were images de-identified?")),
            Item("12", tr("What became of missing data?"), data.unreadable),
            Item("13", tr("How were the images taken?"), ask=tr("Machines, views, settings, reconstruction.")),
        )),
        Group(marked("Methods: reference standard"), (
            Item("14", tr("What is a label, and how was it found?"), ask=tr("The test or reading behind each class.")),
            Item("15", tr("Why that way?"), ask=tr("Why this reference standard, and what else there is.")),
            Item("16", tr("Who gave the labels?"), ask=tr("Who labelled, with which training.")),
            Item("17", tr("How was the test part labelled?"), ask=tr("Were test images labelled otherwise, or again?")),
            Item("18", tr("How far do labellers agree?"), ask=tr("Agreement between and within labellers.")),
        )),
        Group(marked("Methods: partitions"), (
            Item("19", tr("How were images put into parts?"), data.assignment),
            Item("20", tr("What do no two parts share: pictures, patients, hospitals?"), data.level),
            Item("21", tr("How large was the test to be?"), data.enough_to_test,
                 tr("Was that fixed beforehand, and how?")),
        )),
        Group(marked("Methods: model"), (
            Item("22", tr("What is the model, from input to output?"), model.architecture),
            Item("23", tr("Which software, in which versions?"), model.libraries),
            Item("24", tr("Where do its weights begin?"), model.first_weights),
        )),
        Group(marked("Methods: training"), (
            Item("25", tr("How was it trained?"), model.training),
            Item("26", tr("How was the model that is kept chosen?"), model.selection),
            Item("27", tr("Are several models put together?"), model.ensembling),
        )),
        Group(marked("Methods: evaluation"), (
            Item("28", tr("By which measures is it judged?"), results.measures),
            Item("29", tr("How is uncertainty measured?"), results.uncertainty),
            Item("30", tr("Does the result stand where something is changed?"), results.robustness),
            Item("31", tr("How was it shown what the model looks at?"), results.explanation),
            Item("32", tr("Was it tested on images of the same kind?"), results.internal),
            Item("33", tr("Was it tested on images from elsewhere?"), results.external),
            Item("34", tr("Is the study registered?"), ask=tr("Registry and number, where it is a trial.")),
        )),
        Group(marked("Results: data"), (
            Item("35", tr("How many were taken in and left out?"), data.flow, tr("A diagram of them.")),
            Item("36", tr("Who are the people in each part?"), data.characteristics,
                 tr("Age, sex and disease by part.")),
        )),
        Group(marked("Results: performance"), (
            Item("37", tr("What is the result, and how sure is it?"), results.performance),
            Item("38", tr("How good is it in diagnosis, and how sure is that?"), results.by_class),
            Item("39", tr("Which images does it get wrong?"), results.failures,
                 tr("What the wrong ones have in common.")),
        )),
        Group(marked("Discussion"), (
            Item("40", tr("What are the limits of the study?"), results.limitations,
                 tr("Limits that the files don't show.")),
            Item("41", tr("What does it mean for practice?"), ask=tr("Use, users and place in the clinic.")),
        )),
        Group(marked("Other information"), (
            Item("42", tr("Where are protocol and technical details?"), model.details, tr("The study's protocol.")),
            Item("43", tr("Can software, model and data be had?"), ask=tr("Where, and under which terms.")),
            Item("44", tr("Who paid?"), ask=tr("Funding, and the funders' part in the study.")),
        )),
    ),
)  # fmt: skip
