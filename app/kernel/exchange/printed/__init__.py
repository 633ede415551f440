"""The papers of a register (:class:`app.kernel.declare.groups.Paper`): of one record, of none, of many."""
