"""The declaration of a register: fields, rules, flow, figures. No Flask here."""
