"""The command line: run, serve, build, migrate, doctor, demo-account, catalog.

Commands that serve do not load what only the others need: it would double their start.
"""

import sys

import typer

from alltoken_app.command import database, frontend
from alltoken_app.command import run as run_command
from alltoken_app.command.says import Stopped, line
from alltoken_app.errors import AllTokenError
from alltoken_app.settings import settings

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)


@app.command()
def run() -> None:
    """Build what is stale, migrate, and serve the web app and the API on one port."""
    raise typer.Exit(run_command.run(settings()))


@app.command()
def serve(
    api_only: bool = typer.Option(False, help="The API alone, without the web app."),
    workers: int = typer.Option(1, min=1, help="Processes; more than one with --api-only."),
) -> None:
    """Serve what `build` and `migrate` have prepared, for deployments with steps of their own."""
    raise typer.Exit(run_command.serve(settings(), api_only=api_only, workers=workers))


@app.command()
def build() -> None:
    """Build the web app, unless its build is fresh."""
    if not frontend.build_if_stale(run_command.open_var(settings()) / "build.log"):
        line("Web app", "fresh")


@app.command()
def migrate() -> None:
    """Bring the database to the newest version and its catalogue up to date."""
    run_command.open_var(settings())
    database.prepare(settings())
    line("Database", f"at {database.newest()}")


@app.command()
def doctor(
    as_json: bool = typer.Option(False, "--json", help="One JSON document instead of a table."),
) -> None:
    """Say what is installed, configured, reachable, migrated and built. Exit code 1: mend it."""
    from alltoken_app.command import doctor as doctor_command

    raise typer.Exit(doctor_command.doctor(settings(), as_json=as_json))


@app.command()
def demo_account(
    credit: str = typer.Option("5", help="US dollars of sandbox credit to add."),
    email: str = typer.Option("demo@example.com", help="Who signs in."),
) -> None:
    """Make an account with credit and a key to try things with; prints one line of JSON."""
    from alltoken_app.command.demo_account import demo_account as make_demo_account

    typer.echo(make_demo_account(settings(), credit=credit, email=email))


catalog = typer.Typer(no_args_is_help=True, help="Models, endpoints and prices.")
app.add_typer(catalog, name="catalog")


@catalog.command("diff")
def catalog_diff() -> None:
    """Show how our lists, at today's prices, differ from the database."""
    from alltoken_app.command import catalog as catalog_command

    run_command.open_var(settings())
    catalog_command.diff(settings())


@catalog.command("publish")
def catalog_publish(
    apply: bool = typer.Option(False, help="Make the changes, in one transaction."),
    large: bool = typer.Option(False, help="Also prices that jump, and endpoints that vanish."),
    prices: bool = typer.Option(False, help="Only write the prices that a new installation has."),
) -> None:
    """Publish our lists at today's prices; without --apply, only show what that would change."""
    from alltoken_app.command import catalog as catalog_command

    if prices:
        line("Prices", catalog_command.write_prices().source)
        return
    run_command.open_var(settings())
    catalog_command.publish_now(settings(), apply=apply, large=large)


def main() -> None:
    """Run a command; expected failures end with their message, not with a traceback."""
    try:
        app()
    except (Stopped, AllTokenError) as error:
        sys.exit(f"\nAllToken: {error}")


if __name__ == "__main__":
    main()
