"""A PostgreSQL database made as it was in milliseconds, by putting back what a test wrote.

Copying a template again costs some 200 ms: PostgreSQL copies a thousand files, and each connection reads its
catalogue anew. So the template keeps a copy of every table in a schema of its own, and a function
there compares and restores: a row is new when its transaction (``xmin``) is later than what the table
was last known by, a table short of rows lost some. Whatever it cannot undo (tables made or changed, another
schema) it says, and the database is copied.
"""

from __future__ import annotations

from typing import Any

import psycopg

KEEP = """
DROP SCHEMA IF EXISTS pristine CASCADE;
CREATE SCHEMA pristine;
CREATE TABLE pristine.shape AS
  SELECT count(*) AS n, sum(oid::bigint * (1 + relnatts)) AS oids
  FROM pg_class WHERE relnamespace = 'public'::regnamespace;
CREATE TABLE pristine.counts (
  name text PRIMARY KEY, key text, columns text, rows bigint, mark bigint);
CREATE TABLE pristine.numbers (name text PRIMARY KEY, value bigint, called boolean);
DO $$
DECLARE t text; key text; columns text; kept bigint;
BEGIN
  FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('CREATE TABLE pristine.%I AS TABLE public.%I', 'of_' || t, t);
    GET DIAGNOSTICS kept = ROW_COUNT;
    SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
      WHERE attrelid = format('public.%I', t)::regclass AND attnum > 0
        AND NOT attisdropped AND attgenerated = '';
    SELECT string_agg(quote_ident(attname), ', ') INTO key
      FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
      WHERE indisprimary AND indrelid = format('public.%I', t)::regclass;
    INSERT INTO pristine.counts VALUES (t, key, columns, kept, pg_current_xact_id()::text::bigint);
  END LOOP;
  FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' LOOP
    EXECUTE format('INSERT INTO pristine.numbers SELECT %L, last_value, is_called FROM public.%I', t, t);
  END LOOP;
END $$;
CREATE FUNCTION pristine.restore() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE t record; changed boolean;
BEGIN
  PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend' AND state <> 'idle';
  IF NOT (SELECT s.n = count(*) AND s.oids = sum(c.oid::bigint * (1 + relnatts))
          FROM pg_class c, pristine.shape s WHERE relnamespace = 'public'::regnamespace
          GROUP BY s.n, s.oids) THEN
    RETURN false;
  END IF;
  SET LOCAL session_replication_role = replica;  -- no foreign keys, no triggers
  FOR t IN SELECT * FROM pristine.counts LOOP
    EXECUTE format('SELECT count(*) <> $1 OR coalesce(bool_or(xmin::text::bigint > $2), false)
                    FROM public.%I', t.name) INTO changed USING t.rows, t.mark;
    IF changed THEN
      EXECUTE format('DELETE FROM public.%I WHERE xmin::text::bigint > $1', t.name) USING t.mark;
      IF t.rows > 0 THEN
        EXECUTE format('INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE
                        SELECT %2$s FROM pristine.%3$I
                        WHERE (%4$s) NOT IN (SELECT %4$s FROM public.%1$I)',
                       t.name, t.columns, 'of_' || t.name, t.key);
        UPDATE pristine.counts SET mark = pg_current_xact_id()::text::bigint WHERE name = t.name;
      END IF;
    END IF;
  END LOOP;
  FOR t IN SELECT * FROM pristine.numbers LOOP
    PERFORM setval(format('public.%I', t.name), t.value, t.called);
  END LOOP;
  RETURN true;
END $$;
"""


def keep(url: str) -> None:
    """Note how the database is; ``url`` is the server's, without the driver's name."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(KEEP)


def restore(connection: psycopg.Connection[Any]) -> bool:
    """Make it so again; False: it must be copied, as when the user of the server may not do without triggers."""
    try:
        row = connection.execute("SELECT pristine.restore()").fetchone()
    except (psycopg.errors.InsufficientPrivilege, psycopg.OperationalError):
        return False
    return bool(row and row[0])
