"""The verbs, a file each: its flags and its body. A file is loaded when its verb is asked for, or the help of all."""

VERBS = (
    "scan", "inspect", "predict", "evaluate", "compare", "report", "export", "explain", "audit", "sweep",
    "matrix", "attach", "replay", "serve", "plain", "train", "review", "curve", "lr_find", "runs", "layers", "doctor",
    "completion",
)  # fmt: skip
"""Names of files here, each with the function of the same name that is the verb."""
