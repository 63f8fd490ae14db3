"""TRIPOD+AI 2024, on reporting prediction models: its 27 items, those with parts by letter, in our words."""

from engine.report.checklist import about_data as data
from engine.report.checklist import about_model as model
from engine.report.checklist import about_results as results
from engine.report.checklist.item import Checklist, Group, Item

TRIPOD_AI = Checklist(
    "tripod-ai",
    "TRIPOD+AI 2024",
    "Collins et al. 2024, TRIPOD+AI statement: updated guidance for reporting clinical prediction models that use "
    "regression or machine learning methods, BMJ 385:e078378",
    (
        Group("Title and abstract", (
            Item("1", "Does the title name model, people and outcome?", ask="A title with all three."),
            Item("2", "Is the abstract whole?", ask="The abstract, as TRIPOD+AI for Abstracts has it."),
        )),
        Group("Introduction", (
            Item("3a", "Which question of health is it about, and which models are there?",
                 ask="Context, and models of before."),
            Item("3b", "For whom is the model, and who uses it when?", ask="People, users, place in the care."),
            Item("3c", "Which groups are known to be worse off?", ask="Known inequalities in this disease."),
            Item("4", "What did the study set out to do?", ask="Aims: to develop, to evaluate, or both."),
        )),
        Group("Methods: data and people", (
            Item("5a", "Where do the data come from, and for whom do they stand?", data.source,
                 "How far they stand for the people that the model is meant for."),
            Item("5b", "From when are they?", ask="First and last date."),
            Item("6a", "From where are they?", ask="Kind, number and place of the hospitals."),
            Item("6b", "Who could be in the study?", ask="Rules by which people were taken in."),
            Item("6c", "Were they treated?", ask="Treatments before the image, where they matter."),
            Item("7", "How were data prepared and checked?", data.preparation, "Was it alike in all groups of people?"),
            Item("8a", "What is predicted, and how was it found out?", ask="Each class: test, time, why this one."),
            Item("8b", "Who judged it?", ask="Training of those who labelled, where it takes judgement."),
            Item("8c", "Were they blind to the image or the model?", ask="What did those who labelled know?"),
            Item("9a", "Why is it predicted from this?", ask="Why from the X-ray alone."),
            Item("9b", "What exactly goes in, and how was it measured?", data.preparation,
                 "How the images were taken."),
            Item("9c", "Who judged what goes in?", ask="Who chose the images, where it took judgement."),
            Item("10", "Were there enough images?", data.enough, "How their number was fixed beforehand."),
            Item("11", "What became of missing data?", data.unreadable),
        )),
        Group("Methods: analysis", (
            Item("12a", "Which data served for what?", data.assignment),
            Item("12b", "In which form do the predictors go in?", data.preparation),
            Item("12c", "Which model, how was it built, tuned and validated inside?", model.building),
            Item("12d", "Was it looked at whether hospitals differ?", results.by_source),
            Item("12e", "By which measures and plots is it judged?", results.measures),
            Item("12f", "Was the model changed after the evaluation?", model.updating),
            Item("12g", "How were the predictions of the evaluation computed?", model.predicting),
            Item("13", "How were unequal classes handled?", model.imbalance),
            Item("14", "What was done for fairness?", ask="Ways to be fair to all groups, and why these."),
            Item("15", "What does the model say, and how was its threshold chosen?", model.output),
            Item("16", "How do the data of development and evaluation differ?", results.shift),
            Item("17", "Who approved the study?", ask="Ethics committee, consent or waiver."),
        )),
        Group("Open science and patients", (
            Item("18a", "Who paid?", ask="Funding, and the funders' part."),
            Item("18b", "Whose interests?", ask="Conflicts of interest of all authors."),
            Item("18c", "Where is the protocol?", ask="The protocol, or that there was none."),
            Item("18d", "Is the study registered?", ask="Registry and number, or that it is not."),
            Item("18e", "Can the data be had?", ask="Where, and under which terms."),
            Item("18f", "Can the code be had?", ask="Where, and under which terms."),
            Item("19", "Had patients and the public a part in it?", ask="Which part, or none."),
        )),
        Group("Results", (
            Item("20a", "How many came through, with and without the outcome?", data.flow, "A diagram of them."),
            Item("20b", "Who are they, by source?", data.characteristics, "Age, sex, dates and disease."),
            Item("20c", "How do those of the evaluation compare?", results.elsewhere_compared),
            Item("21", "How many in each analysis, by class?", data.sizes),
            Item("22", "Is the whole model given?", model.whole_model),
            Item("23a", "What is the result with its uncertainty, of groups too?", results.performance_by_group),
            Item("23b", "Does it differ between hospitals?", results.by_source),
            Item("24", "What did a change of the model give?", model.updating),
        )),
        Group("Discussion", (
            Item("25", "What do the results mean?", ask="Meaning, fairness, and earlier studies."),
            Item("26", "What are the limits?", results.limitations, "Limits that the files don't show."),
            Item("27a", "What happens to a poor or missing image?", model.unlike),
            Item("27b", "What must a user know and do?", ask="Which skill the use takes, and what the user sees."),
            Item("27c", "What comes next?", ask="Next studies, and where else the model might hold."),
        )),
    ),
)  # fmt: skip
