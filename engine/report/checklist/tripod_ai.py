"""TRIPOD+AI 2024, on reporting prediction models: its 27 items, those with parts by letter, in our words."""

from engine.base.language import marked, tr
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
        Group(marked("Title and abstract"), (
            Item("1", tr("Does the title name model, people and outcome?"), ask=tr("A title with all three.")),
            Item("2", tr("Is the abstract whole?"), ask=tr("The abstract, as TRIPOD+AI for Abstracts has it.")),
        )),
        Group(marked("Introduction"), (
            Item("3a", tr("Which question of health is it about, and which models are there?"),
                 ask=tr("Context, and models of before.")),
            Item("3b", tr("For whom is the model, and who uses it when?"), ask=tr("People, users, place in the care.")),
            Item("3c", tr("Which groups are known to be worse off?"), ask=tr("Known inequalities in this disease.")),
            Item("4", tr("What did the study set out to do?"), ask=tr("Aims: to develop, to evaluate, or both.")),
        )),
        Group(marked("Methods: data and people"), (
            Item("5a", tr("Where do the data come from, and for whom do they stand?"), data.source,
                 tr("How far they stand for the people that the model is meant for.")),
            Item("5b", tr("From when are they?"), ask=tr("First and last date.")),
            Item("6a", tr("From where are they?"), ask=tr("Kind, number and place of the hospitals.")),
            Item("6b", tr("Who could be in the study?"), ask=tr("Rules by which people were taken in.")),
            Item("6c", tr("Were they treated?"), ask=tr("Treatments before the image, where they matter.")),
            Item("7", tr("How were data prepared and checked?"), data.preparation,
                 tr("Was it alike in all groups of people?")),
            Item("8a", tr("What is predicted, and how was it found out?"),
                 ask=tr("Each class: test, time, why this one.")),
            Item("8b", tr("Who judged it?"), ask=tr("Training of those who labelled, where it takes judgement.")),
            Item("8c", tr("Were they blind to the image or the model?"), ask=tr("What did those who labelled know?")),
            Item("9a", tr("Why is it predicted from this?"), ask=tr("Why from the X-ray alone.")),
            Item("9b", tr("What exactly goes in, and how was it measured?"), data.preparation,
                 tr("How the images were taken.")),
            Item("9c", tr("Who judged what goes in?"), ask=tr("Who chose the images, where it took judgement.")),
            Item("10", tr("Were there enough images?"), data.enough, tr("How their number was fixed beforehand.")),
            Item("11", tr("What became of missing data?"), data.unreadable),
        )),
        Group(marked("Methods: analysis"), (
            Item("12a", tr("Which data served for what?"), data.assignment),
            Item("12b", tr("In which form do the predictors go in?"), data.preparation),
            Item("12c", tr("Which model, how was it built, tuned and validated inside?"), model.building),
            Item("12d", tr("Was it looked at whether hospitals differ?"), results.by_source),
            Item("12e", tr("By which measures and plots is it judged?"), results.measures),
            Item("12f", tr("Was the model changed after the evaluation?"), model.updating),
            Item("12g", tr("How were the predictions of the evaluation computed?"), model.predicting),
            Item("13", tr("How were unequal classes handled?"), model.imbalance),
            Item("14", tr("What was done for fairness?"), ask=tr("Ways to be fair to all groups, and why these.")),
            Item("15", tr("What does the model say, and how was its threshold chosen?"), model.output),
            Item("16", tr("How do the data of development and evaluation differ?"), results.shift),
            Item("17", tr("Who approved the study?"), ask=tr("Ethics committee, consent or waiver.")),
        )),
        Group(marked("Open science and patients"), (
            Item("18a", tr("Who paid?"), ask=tr("Funding, and the funders' part.")),
            Item("18b", tr("Whose interests?"), ask=tr("Conflicts of interest of all authors.")),
            Item("18c", tr("Where is the protocol?"), ask=tr("The protocol, or that there was none.")),
            Item("18d", tr("Is the study registered?"), ask=tr("Registry and number, or that it is not.")),
            Item("18e", tr("Can the data be had?"), ask=tr("Where, and under which terms.")),
            Item("18f", tr("Can the code be had?"), ask=tr("Where, and under which terms.")),
            Item("19", tr("Had patients and the public a part in it?"), ask=tr("Which part, or none.")),
        )),
        Group(marked("Results"), (
            Item("20a", tr("How many came through, with and without the outcome?"), data.flow,
                 tr("A diagram of them.")),
            Item("20b", tr("Who are they, by source?"), data.characteristics, tr("Age, sex, dates and disease.")),
            Item("20c", tr("How do those of the evaluation compare?"), results.elsewhere_compared),
            Item("21", tr("How many in each analysis, by class?"), data.sizes),
            Item("22", tr("Is the whole model given?"), model.whole_model),
            Item("23a", tr("What is the result with its uncertainty, of groups too?"), results.performance_by_group),
            Item("23b", tr("Does it differ between hospitals?"), results.by_source),
            Item("24", tr("What did a change of the model give?"), model.updating),
        )),
        Group(marked("Discussion"), (
            Item("25", tr("What do the results mean?"), ask=tr("Meaning, fairness, and earlier studies.")),
            Item("26", tr("What are the limits?"), results.limitations, tr("Limits that the files don't show.")),
            Item("27a", tr("What happens to a poor or missing image?"), model.unlike),
            Item("27b", tr("What must a user know and do?"),
                 ask=tr("Which skill the use takes, and what the user sees.")),
            Item("27c", tr("What comes next?"), ask=tr("Next studies, and where else the model might hold.")),
        )),
    ),
)  # fmt: skip
