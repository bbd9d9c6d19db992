"""The command line, `crumbs`: one module per command.

Exit codes: 0 done; 1 it could not be done; 2 the command line was wrong; 3 a setting or a seed
file is wrong.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

from bot import __version__
from bot.domain.errors import ConfigError, CrumbsError

#: Command → module; imported only when it is called, so that `crumbs judge` starts fast.
_COMMANDS = {
    "run": "bot.cli.run",
    "demo": "bot.cli.demo",
    "preview": "bot.cli.preview",
    "judge": "bot.cli.judge",
    "cluster": "bot.cli.cluster",
    "status": "bot.cli.status",
    "retry": "bot.cli.retry",
    "settings": "bot.cli.settings",
    "roster": "bot.cli.roster",
    "invite": "bot.cli.invite",
    "sync": "bot.cli.sync",
    "migrate": "bot.cli.migrate",
    "explain": "bot.cli.explain",
    "evaluate": "bot.cli.evaluate",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name]).command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="crumbs")
def cli() -> None:
    """Tell two fandoms the moment their idols meet.

    Start with `crumbs demo`: it needs no token and no network. `crumbs preview` runs the real
    pipeline on real feeds and draws its announcements here; `crumbs run` is the bot.

    Exit codes: 0 done; 1 it could not be done; 2 the command line was wrong; 3 a setting or a
    seed file is wrong.
    """


def main() -> None:
    """Run the command line; problems are sentences on standard error, never a traceback."""
    try:
        # Click hands an exit code back instead of raising it; commands return None.
        sys.exit(cli(standalone_mode=False))
    except click.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(f"crumbs: {problem}", err=True)
        sys.exit(3)
    except CrumbsError as error:
        click.echo(f"crumbs: {error}", err=True)
        sys.exit(1)
    except BaseExceptionGroup as group:
        ours, rest = group.split(CrumbsError)
        if rest is not None or ours is None:
            raise
        for sentence in dict.fromkeys(str(e) for e in _leaves(ours)):
            click.echo(f"crumbs: {sentence}", err=True)
        sys.exit(3 if ours.subgroup(ConfigError) else 1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for e in group.exceptions
        for leaf in (_leaves(e) if isinstance(e, BaseExceptionGroup) else [e])
    ]
