"""Figures of going downhill: paths on a terrain, the noise of mini-batches, learning rates, races."""

import itertools

import numpy as np
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator, ScalarFormatter

from nn_helpers.plots.base import COLOURS, MARKERS, finish, legend_below, style, subplots

RULES = ("GD", "SGD", "momentum", "RMSprop", "Adam")  # each looks the same in every figure


def descent_paths(H, paths, theta1=(-10, 4), theta2=(-1.8, 1.8)):
    """Show paths on the contour lines of the loss ½ θᵀHθ, each path in a plot of its own.

    Parameters
    ----------
    H : float array (2, 2)
        With positive eigenvalues. From one contour line to the next the loss doubles.
    paths : dict of str to float array (K + 1, 2)
        θ before the first step and after each of K steps, by the title of the plot.
    theta1, theta2 : pair of float
        The part of the terrain that is shown.

    Returns
    -------
    Figure
    """
    width, height = 9.2 / len(paths), np.ptp(theta2) / np.ptp(theta1)
    grid = {"ncols": len(paths), "squeeze": False, "sharex": True, "sharey": True}
    figure, (axes,) = subplots(9.2, 0.9 + width * min(0.9, 2.2 * height), **grid)
    across, up = np.linspace(*theta1, 141), np.linspace(*theta2, 121)
    theta = np.stack(np.meshgrid(across, up), axis=-1)
    ground = 0.5 * np.sum(theta @ H * theta, axis=-1)
    levels = ground.max() * 0.5 ** np.arange(14, -1, -1)
    for ax, (title, path), i in zip(axes, paths.items(), _places(paths), strict=True):
        ax.contourf(across, up, ground, levels=[0, *levels], cmap="Greys_r", alpha=0.3)
        ax.contour(across, up, ground, levels=levels, colors="grey", linewidths=0.4)
        ax.plot(*np.transpose(path), color=COLOURS[i], linewidth=1, marker=".", markersize=4, label="a step")
        ax.plot(*path[0], "o", color="black", markersize=7, label="start")
        ax.plot(*path[-1], "s", color=COLOURS[i], markersize=7, markeredgecolor="black", label="end")
        ax.plot(0, 0, "*", color="black", markersize=10, label="lowest point")
        ax.set(title=title, xlim=theta1, ylim=theta2, xlabel="θ₁")
    axes[0].set_ylabel("θ₂")
    return legend_below(figure)


def learning_rate_sweep(sweeps, after, ceiling):
    """Show what loss each learning rate led to.

    Parameters
    ----------
    sweeps : dict of str to dict of str to pair of float arrays (R,)
        Learning rates and losses, by the name of the optimizer, by the name of the loss.
    after : str
        When the losses were measured: "after 10 epochs".
    ceiling : float
        A loss above it, infinite or NaN is off the scale: a cross at the top.

    Returns
    -------
    Figure
    """
    some_diverged, count = False, len(sweeps)
    figure, (axes,) = subplots(4.6 * count if count > 1 else 6.8, 3.8, 1, count, squeeze=False)
    for ax, (quantity, lines) in zip(axes, sweeps.items(), strict=True):
        for (name, (rates, losses)), i in zip(lines.items(), _places(lines), strict=True):
            fine = np.nan_to_num(losses, nan=np.inf) <= ceiling
            ax.plot(rates[fine], losses[fine], label=name, ms=5, **style(i, marker=True))
            top = np.full(np.sum(~fine), ceiling * 1.1**i)  # so that no cross covers another
            ax.plot(rates[~fine], top, "x", color=COLOURS[i], ms=8)
            some_diverged |= not fine.all()
        ax.set(xscale="log", yscale="log", title=f"{quantity.capitalize()} {after}")
        ax.set(xlabel="learning rate α", ylabel=f"{quantity} (nats)")
        _plain_numbers(ax)
        finish(ax)
    if some_diverged:
        axes[0].plot([], [], "x", color="black", ms=8, label="off the scale, or diverged")
    return legend_below(figure)


def gradient_angles(batch_sizes, angles):
    """Show the angle between the gradient of a mini-batch and that of all examples, by the batch's size.

    Parameters
    ----------
    batch_sizes : sequence of int (B,)
    angles : dict of str to float array (B, K)
        In degrees, of K mini-batches of each size, by the state of the network.

    Returns
    -------
    Figure
    """
    figure, ax = subplots(7.6, 3.8)
    for i, (name, values) in enumerate(angles.items()):
        for size, some in zip(batch_sizes, values, strict=True):
            ax.plot(np.full(len(some), size * 1.06**i), some, ".", color=COLOURS[i], alpha=0.25)
        ax.plot(batch_sizes, np.median(values, axis=1), label=name, **style(i, marker=True))
    ax.axhline(90, color="black", linewidth=0.8)
    ax.text(batch_sizes[-1], 91, "at right angles", ha="right", va="bottom")
    ax.set(title="How far a mini-batch's gradient points aside", xscale="log", ylim=(-4, None))
    ax.set(xlabel="images in the mini-batch", ylabel="angle to the full gradient (degrees)")
    _ticks_at(ax, batch_sizes)
    finish(ax)
    return legend_below(figure)


def time_by_batch_size(batch_sizes, seconds, examples):
    """Show how long a step takes, and an epoch, by the number of images in a batch.

    Parameters
    ----------
    batch_sizes : sequence of int (B,)
    seconds : float array (B,)
        How long one step takes.
    examples : int
        How many make an epoch.

    Returns
    -------
    Figure
    """
    batch_sizes, seconds = np.asarray(batch_sizes), np.asarray(seconds)
    figure, (step, epoch) = subplots(9, 3.2, 1, 2)
    step.plot(batch_sizes, 1e3 * seconds, color=COLOURS[0], marker=MARKERS[0])
    epoch.plot(batch_sizes, 1e3 * seconds * examples / batch_sizes, color=COLOURS[1], marker=MARKERS[1])
    for ax, what in ((step, "One step"), (epoch, "One epoch")):
        ax.set(title=what, xlabel="images in the batch", ylabel="time (ms)", xscale="log", yscale="log")
        _ticks_at(ax, batch_sizes)
        _plain_numbers(ax)
        finish(ax)
    return figure


def losses_by_step(losses, over="step", quantity="training loss (nats)"):
    """Show how training losses fall, or another quantity, on a logarithmic scale.

    Parameters
    ----------
    losses : dict of str to dict of str to (float array (K,), or pair of float arrays (K,))
        Losses, or positions and losses, by the name of the line, by the title of the plot. Without
        positions the first loss is that of step 1.
    over, quantity : str
        What the positions are, and the losses.

    Returns
    -------
    Figure
    """
    count = len(losses)
    figure, (axes,) = subplots(4.6 * count if count > 1 else 6.8, 3.6, 1, count, squeeze=False)
    for ax, (title, lines) in zip(axes, losses.items(), strict=True):
        for (name, line), i in zip(lines.items(), _places(lines), strict=True):
            at, values = line if isinstance(line, tuple) else (np.arange(1, len(line) + 1), line)
            ax.plot(at, values, label=name, **style(i))
        ax.set(title=title, xlabel=over, ylabel=quantity, yscale="log")
        _plain_numbers(ax)
        finish(ax)
        if lines:  # none where training was stopped before the first was complete
            ax.legend(frameon=False)
    return figure


def first_steps(sizes, losses):
    """Show how long the first steps of an optimizer are, and where they lead.

    Parameters
    ----------
    sizes : dict of str to float array (K,)
        How far a parameter moves in each step, the mean over all parameters, in units of α.
    losses : dict of str to float array (K,)
        After each step.

    Returns
    -------
    Figure
    """
    figure, (size, loss) = subplots(9, 3.4, 1, 2)
    for ax, lines in ((size, sizes), (loss, losses)):
        for i, (name, values) in enumerate(lines.items()):
            ax.plot(np.arange(1, len(values) + 1), values, ms=3, label=name, **style(i, marker=True))
        ax.set_xlabel("step")
        finish(ax)
    size.axhline(1, color="black", linewidth=0.8)
    size.set(title="How far a parameter moves", ylabel="mean |Δθ| / α", ylim=(0, None))
    loss.set(title="Where that leads", ylabel="training loss (nats)")
    return legend_below(figure)


def runs_in_bands(runs):
    """Show trainings from several seeds as bands from the lowest to the highest, and their mean.

    Parameters
    ----------
    runs : dict of str to dict of str to float array (S, E)
        "loss" and "val_loss" of S seeds in E epochs, by the name of the optimizer.

    Returns
    -------
    Figure
    """
    figure, axes = subplots(9.2, 3.8, 1, 2)
    for ax, key, words in zip(axes, ("loss", "val_loss"), ("training loss", "validation loss"), strict=True):
        for (name, run), i in zip(runs.items(), _places(runs), strict=True):
            values = run[key]
            epochs = np.arange(1, values.shape[1] + 1)
            ax.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=COLOURS[i], alpha=0.2, lw=0)
            ax.plot(epochs, values.mean(axis=0), markersize=4, label=name, **style(i, marker=True))
        ax.set(title=words.capitalize(), xlabel="epoch", ylabel=f"{words} (nats)", yscale="log")
        _plain_numbers(ax)
        finish(ax, "epoch")
    return legend_below(figure)


def _places(names):
    """Return for each name the i whose `style` it has; a rule's name always has the same one."""
    taken = {RULES.index(name) for name in names if name in RULES}
    free = itertools.cycle(sorted(set(range(len(COLOURS))) - taken))
    return [RULES.index(name) if name in RULES else next(free) for name in names]


def _ticks_at(ax, places):
    ax.xaxis.set_major_locator(FixedLocator(places))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())


def _plain_numbers(ax):
    """Write 0.01, 0.1 and 1 beside a logarithmic axis, and 0.2 and 0.5 as well when it is short."""
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 200 * low else (1,)))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
