"""The command line: the lessons' experiment and data without a notebook."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from faults import DISK_FULL, ERRNO, FORBIDDEN, failing_disk, names

from nn_helpers.__main__ import main, parser
from nn_helpers.support.version import __version__
from nn_helpers.training import run

QUICK = ["--data", "sketches", "--images", "60", "--val", "20", "--hidden", "8", "--epochs", "2", "--quiet"]


@pytest.fixture(autouse=True, scope="module")
def few_sketches():
    """Drawing 6,000 images for each call would take longer than all the rest."""
    from nn_helpers import data

    patch = pytest.MonkeyPatch()
    few = data.sketches(n_train=100, n_test=20)
    patch.setattr("nn_helpers.data.sketches", lambda: few)
    yield
    patch.undo()


def table(text):
    """Rows of the printed table by name."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if re.match(r"\w+ +\d+ ", line)}


def test_train_compares_four_optimizers_from_the_same_start(capsys):
    assert main(["train", *QUICK]) == 0
    out = capsys.readouterr().out
    assert "100 training and 20 test images: sketches" in out
    assert "ClassificationNet(3072 → 8 → 10, relu" in out
    rows = table(out)
    assert list(rows) == ["gd", "sgd", "momentum", "adam"]
    assert [row[0] for row in rows.values()] == ["2", "14", "14", "14"]


def test_every_option_reaches_the_network(capsys):
    options = "--activation tanh --init xavier --reg 0.01 --optimizer adamw rmsprop --lr 0.001 --batch-size 7"
    options += " --keep-last --dtype float64 --seed 3"
    assert main(["train", *QUICK, *options.split()]) == 0
    out = capsys.readouterr().out
    assert "tanh, reg=0.01" in out
    assert "float64" in out
    assert {name: row[0] for name, row in table(out).items()} == {"adamw": "18", "rmsprop": "18"}


def test_the_same_seed_prints_the_same_numbers(capsys):
    def run(seed):
        main(["train", *QUICK, "--seed", seed])
        return {name: row[2:] for name, row in table(capsys.readouterr().out).items()}

    assert run("1") == run("1")
    assert run("1") != run("2")


def test_the_full_preset_trains_with_everything_that_helps(capsys, monkeypatch):
    calls = []
    from nn_helpers import __main__ as cli

    compare = cli.compare_optimizers
    monkeypatch.setattr(cli, "compare_optimizers", lambda *a, **k: calls.append((a, k)) or compare(*a, **k))
    assert main(["train", "--preset", "full", *QUICK, "--batch-size", "10"]) == 0
    (net, data, optimizers), options = calls[0]
    assert (net.dropout, len(data.train), options["epochs"]) == (0.1, 60, 2)  # what is given goes first
    assert options["augment"] is cli.flip_and_shift
    assert options["keep_best"]
    assert repr(optimizers["adamw"]) == (
        "AdamW(lr=CosineWithWarmup(lr=0.001, total_steps=12, warmup_steps=0, final_lr=0.0), "
        "beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.1)"
    )
    assert "dropout=0.1" in capsys.readouterr().out
    main(["train", "--preset", "full", *QUICK, "--batch-size", "10", "--no-augment", "--no-keep-best"])
    assert calls[1][1]["augment"] is None
    assert not calls[1][1]["keep_best"]


@pytest.mark.parametrize(("options", "steps"), [([], 4), (["--keep-last"], 6)])
def test_the_cosine_ends_with_the_last_step(monkeypatch, options, steps):
    from nn_helpers import __main__ as cli

    made = []
    compare = cli.compare_optimizers
    monkeypatch.setattr(cli, "compare_optimizers", lambda *a, **k: made.append(compare(*a, **k)) or made[0])
    options = [*options, "--batch-size", "25", "--schedule", "cosine", "--optimizer", "adam"]
    assert main(["train", *QUICK, *options]) == 0
    _, histories = made[0]
    rates = [record.lr for record in histories["adam"].records]
    assert (len(rates), rates.index(0.0)) == (steps, steps - 1)


def test_a_training_with_a_cosine_is_resumed_with_as_many_epochs_as_it_began_with(tmp_path, capsys):
    options = [*QUICK, "--optimizer", "adam", "--checkpoint", str(tmp_path / "run.safetensors")]
    assert main(["train", *options, "--schedule", "cosine"]) == 0
    assert main(["train", *options, "--schedule", "cosine", "--resume"]) == 0
    assert main(["train", *options, "--schedule", "cosine", "--resume", "--epochs", "3"]) == 2
    assert "The cosine schedule ends with the last epoch, so --epochs must be what" in capsys.readouterr().err


def test_the_help_shows_the_defaults_of_the_preset(capsys):
    def defaults(*options):
        with pytest.raises(SystemExit, match="0"):
            main(["train", *options, "--help"])
        text = " ".join(capsys.readouterr().out.split())
        names = ("data {sketches,cifar10}", "epochs EPOCHS", "batch-size BATCH_SIZE")
        return [re.search(rf" --{re.escape(name)} [^()]*(\(|--)([^)]*)", text)[2] for name in names]

    assert defaults()[1:] == ["default: 20", "default: 8"]
    for options in (["--preset", "full"], ["--preset=full"], ["--pre", "full"]):
        assert defaults(*options) == ["default: cifar10", "default: 28", "default: 128"]


def test_every_preset_is_a_set_of_options_there_are():
    from nn_helpers.__main__ import PRESETS, parser

    known = vars(parser().parse_args(["train", "--data", "sketches"]))
    for preset in PRESETS.values():
        assert set(preset) <= set(known)


def test_no_hidden_layer_is_softmax_regression(capsys):
    arguments = [a for a in QUICK if a not in ("--hidden", "8")]
    assert main(["train", *arguments, "--hidden", "--optimizer", "adam"]) == 0
    assert "ClassificationNet(3072 → 10" in capsys.readouterr().out


def test_the_figure_is_saved_as_png(tmp_path, capsys):
    path = tmp_path / "loss.png"
    assert main(["train", *QUICK, "--figure", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert f"Saved {path}" in capsys.readouterr().out


UNWRITABLE = {
    "--figure": (["--figure", "loss.png"], "the figure cannot be written"),
    "--checkpoint": (
        ["--optimizer", "adam", "--checkpoint", "run.safetensors"], "the checkpoint cannot be written"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", [DISK_FULL, FORBIDDEN])
@pytest.mark.parametrize("option", UNWRITABLE)
def test_where_nothing_can_be_written_this_is_said_before_training(
    tmp_path, monkeypatch, capsys, option, fault
):
    options, words = UNWRITABLE[option]
    monkeypatch.chdir(tmp_path)

    def trains(*arguments):
        pytest.fail("training began")

    for at in (1, 2, 3):  # open, write, fsync
        with monkeypatch.context() as patch, failing_disk(tmp_path, at, fault):
            patch.setattr(run, "sharing", trains)
            assert main(["train", *QUICK, *options]) == 2
        error = capsys.readouterr().err
        assert error.startswith("python -m nn_helpers train: ")
        assert f"{words}: {os.strerror(ERRNO[fault])}" in error
        assert error.count("\n") == 1
        for path in tmp_path.iterdir():
            assert path.name.endswith((".part", ".lock"))
            assert fault == FORBIDDEN  # nothing may be removed either
            path.unlink()


def test_a_disk_that_fills_up_while_training_costs_neither_the_table_nor_the_figure_before(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "loss.png"
    options = ["--optimizer", "sgd", "adam", "--figure", str(path)]
    assert main(["train", *QUICK, *options]) == 0
    whole = path.read_bytes()
    capsys.readouterr()
    with failing_disk(tmp_path, at=5):  # three calls ask whether a figure could be written; the fourth opens
        assert main(["train", *QUICK, *options, "--lr", "1e-3"]) == 2
    out, err = capsys.readouterr()
    assert list(table(out)) == ["sgd", "adam"]
    assert "Saved" not in out
    assert "the figure cannot be written: No space left on device" in err
    assert path.read_bytes() == whole
    assert names(tmp_path) == ["loss.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--images", "1000"], "1000 training and 20 validation images asked for; there are 100"),
        (["--batch-size", "61"], "batch_size 61 is larger than the training part: 60 examples"),
        (["--lr", "-1"], "learning rate lr must be greater than 0"),
        (["--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["--epochs", "-3", "--schedule", "cosine"], "--epochs must be at least 1, got -3"),
        (["--batch-size", "0", "--schedule", "cosine"], "--batch-size must be at least 1, got 0"),
        (
            ["--batch-size", "61", "--schedule", "cosine"],
            "batch_size 61 is larger than the training part: 60 examples",
        ),
        (
            ["--epochs", "1" + "0" * 400, "--schedule", "cosine"],
            "epochs must be at most 9,223,372,036,854,775,807; for training without end",
        ),
        (["--hidden", "0"], "each of hidden_sizes must be at least 1"),
        (["--reg", "nan"], "reg must be at least 0"),
        (["--figure", "loss.jpg"], "--figure: path must end in .png, got 'loss.jpg'"),
        (["--figure", ".png"], "--figure: path needs a name before .png, got '.png'"),
        (["--figure", "no/such/folder/loss.png"], "there is no folder"),
        (["--figure", "folder.png"], "folder.png is a folder; path must be a file in one"),
        (["--seed", "-1"], "--seed must be at least 0, got -1"),
        (
            ["--hidden", "1000000000", "1000000000"],
            "there is not enough memory for more than 10¹⁸ parameters",
        ),
    ],
)
def test_what_cannot_be_is_one_message_without_a_traceback(options, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    assert main(["train", *QUICK, *options]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("python -m nn_helpers train: ")
    assert words in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    "options",
    [["--activation", "relu6"], ["--optimizer", "adamm"], ["--init", "zero"], ["--preset", "fulll"]],
)
def test_unknown_names_are_refused_with_the_known_ones(options, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", *options])
    assert stopped.value.code == 2
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--lr", "1e30"], ["--lr", "1e300"], ["--reg", "1e30"]])
def test_a_run_that_diverges_says_so_and_does_not_succeed(options, capsys):
    with pytest.warns(RuntimeWarning) as warned:
        assert main(["train", *QUICK, "--optimizer", "sgd", *options]) == 1
    assert len(warned) == 1  # and not what overflowed where
    assert "sgd: training diverged" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_the_output_has_no_letters_for_is_printed_in_others(encoding, monkeypatch):
    for command in (["train", *QUICK, "--optimizer", "sgd"], ["--help"]):
        stdout = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr("sys.stdout", stdout)
        with pytest.raises(SystemExit, match="0"):
            sys.exit(main(command))
        stdout.flush()
    assert b"open your copy of the lessons" in stdout.buffer.getvalue()


def test_a_program_without_a_place_for_errors_trains_all_the_same(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)  # as Python has it where it is closed: 2>&-, pythonw
    assert main(["train", "--images", "16", "--val", "0", "--epochs", "1", "--optimizer", "sgd"]) == 0
    sys.stderr.close()


def test_a_figure_replaces_a_link_that_leads_nowhere(tmp_path):
    path = tmp_path / "loss.png"
    try:
        path.symlink_to(path)
    except OSError:  # Windows asks for a right that few have
        pytest.skip("no links here")
    assert main(["train", *QUICK, "--figure", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_data_says_where_cifar10_is(monkeypatch, tmp_path, capsys):
    calls = []
    monkeypatch.setattr(
        "nn_helpers.__main__.download_cifar10", lambda *a, **k: calls.append((a, k)) or tmp_path
    )
    assert main(["data", "--root", str(tmp_path), "--quiet"]) == 0
    assert calls == [((tmp_path,), {"progress": False})]
    assert str(tmp_path) in capsys.readouterr().out


def commands(capsys):
    assert main([]) == 0
    return re.findall(r"^    ([a-z]+) ", capsys.readouterr().out, re.M)


def test_the_module_runs_and_helps():
    command = [sys.executable, "-m", "nn_helpers", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "usage: python -m nn_helpers" in result.stdout


def test_each_command_says_what_it_does_with_examples_that_can_be_read(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/nn-helpers"])
    known = commands(capsys)
    assert {"lab", "progress", "reset", "train", "data", "doctor", "kit"} <= set(known)
    for name in known:
        with pytest.raises(SystemExit, match="0"):
            main([name, "--help"])
        text = capsys.readouterr().out
        assert text.startswith(f"usage: nn-helpers {name} ")
        examples = re.findall(r"^  nn-helpers (.*)", text.partition("\nexamples:\n")[2], re.M)
        assert examples
        for example in examples:
            arguments, more = parser().parse_known_args(example.split())
            assert arguments.command == name
            assert not more or name == "lab"


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".github/workflows/release.yml"]
)
def test_every_command_that_is_named_exists(page, capsys):
    text = (Path(__file__).resolve().parents[2] / page).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:nn-helpers|-m nn_helpers) ([a-z]+)", text))
    assert named
    assert named <= set(commands(capsys))


def test_the_version_can_be_asked_for(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"nn-helpers {__version__}\n"
