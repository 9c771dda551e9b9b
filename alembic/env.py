"""Run migrations on a connection that the program hands over, or on ``-x db=PATH`` for developers.

The program's own way is ``facerec.gallery.migrate``; there the caller has begun the one transaction
and switched foreign keys off. A developer writes a new revision with
``alembic -x db=/tmp/empty.db revision --autogenerate -m "verb object"``.
"""

from __future__ import annotations

from sqlalchemy import Connection, create_engine

from alembic import context
from facerec.gallery.tables import Base


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )
    context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    path = context.get_x_argument(as_dictionary=True).get("db")
    if not path:
        raise SystemExit("Name the database to work on: alembic -x db=PATH ...")
    with create_engine(f"sqlite:///{path}").begin() as own_connection:
        run(own_connection)
