"""What a register declares: fields, expressions, rules, flow, lists, and the checks of it."""
