"""CLAIM 2024, the checklist for artificial intelligence in medical imaging: its 44 items, in our words."""

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
        Group("Title and abstract", (
            Item("1", "Does the title say that this is about artificial intelligence, and which kind?", model.technique,
                 "Put the kind of model into the title or the abstract."),
            Item("2", "Are design, methods, results and conclusions in the abstract?",
                 ask="Write the abstract: design, methods, results, conclusions."),
        )),
        Group("Introduction", (
            Item("3", "What is the background, and what is the model to be used for?",
                 ask="Which clinical question, and which role of the model in answering it?"),
            Item("4", "What did the study set out to find?", ask="Aims, and hypotheses where there were some."),
        )),
        Group("Methods: design", (
            Item("5", "Were the data gathered for the study, or before it?", ask="Prospective or retrospective?"),
            Item("6", "Which kind of study is it?", ask="A first try, a comparison, a test of a finished model?"),
        )),
        Group("Methods: data", (
            Item("7", "Where do the data come from?", data.source, "Hospitals, dates, and are they public?"),
            Item("8", "Who was taken in, and who was not?", ask="Rules by which people and images were taken in."),
            Item("9", "What was done to the images before the model saw them?", data.preparation),
            Item("10", "Was a part of the data chosen?", data.chosen),
            Item("11", "How were names and other traits of people removed?", ask="How were images de-identified?"),
            Item("12", "What became of missing data?", data.unreadable),
            Item("13", "How were the images taken?", ask="Machines, views, settings, reconstruction."),
        )),
        Group("Methods: reference standard", (
            Item("14", "What is a label, and how was it found?", ask="The test or reading behind each class."),
            Item("15", "Why that way?", ask="Why this reference standard, and what else there is."),
            Item("16", "Who gave the labels?", ask="Who labelled, with which training."),
            Item("17", "How was the test part labelled?", ask="Were test images labelled otherwise, or again?"),
            Item("18", "How far do labellers agree?", ask="Agreement between and within labellers."),
        )),
        Group("Methods: partitions", (
            Item("19", "How were images put into parts?", data.assignment),
            Item("20", "What do no two parts share: pictures, patients, hospitals?", data.level),
            Item("21", "How large was the test to be?", data.enough_to_test, "Was that fixed beforehand, and how?"),
        )),
        Group("Methods: model", (
            Item("22", "What is the model, from input to output?", model.architecture),
            Item("23", "Which software, in which versions?", model.libraries),
            Item("24", "Where do its weights begin?", model.first_weights),
        )),
        Group("Methods: training", (
            Item("25", "How was it trained?", model.training),
            Item("26", "How was the model that is kept chosen?", model.selection),
            Item("27", "Are several models put together?", model.ensembling),
        )),
        Group("Methods: evaluation", (
            Item("28", "By which measures is it judged?", results.measures),
            Item("29", "How is uncertainty measured?", results.uncertainty),
            Item("30", "Does the result stand where something is changed?", results.robustness),
            Item("31", "How was it shown what the model looks at?", results.explanation),
            Item("32", "Was it tested on images of the same kind?", results.internal),
            Item("33", "Was it tested on images from elsewhere?", results.external),
            Item("34", "Is the study registered?", ask="Registry and number, where it is a trial."),
        )),
        Group("Results: data", (
            Item("35", "How many were taken in and left out?", data.flow, "A diagram of them."),
            Item("36", "Who are the people in each part?", data.characteristics, "Age, sex and disease by part."),
        )),
        Group("Results: performance", (
            Item("37", "What is the result, and how sure is it?", results.performance),
            Item("38", "How good is it in diagnosis, and how sure is that?", results.by_class),
            Item("39", "Which images does it get wrong?", results.failures, "What the wrong ones have in common."),
        )),
        Group("Discussion", (
            Item("40", "What are the limits of the study?", results.limitations, "Limits that the files don't show."),
            Item("41", "What does it mean for practice?", ask="Use, users and place in the clinic."),
        )),
        Group("Other information", (
            Item("42", "Where are protocol and technical details?", model.details, "The study's protocol."),
            Item("43", "Can software, model and data be had?", ask="Where, and under which terms."),
            Item("44", "Who paid?", ask="Funding, and the funders' part in the study."),
        )),
    ),
)  # fmt: skip
