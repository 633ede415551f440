"""Rules over other records (:class:`app.kernel.declare.field.Shared`): the same number in two households, the same
phone in three, the same photo twice. What they find is kept with each record like all findings.

A flush notes who begins or ceases to say what; just before the commit the values are written, and the findings
of those who say the same follow: of the record itself and of a few others at once, of more by a job. What a
finding tells is that there are others, and never who: a reader's area ends where it ends.
"""
