"""The REST API under ``/api/v1``, made from the declarations of the registers (docs/api.md).

``problems`` its errors, ``callers`` who calls, ``values`` how each kind of field is written and read
as JSON, ``bodies`` what a request says, ``registers`` the addresses of a register, ``common`` those
beside them, ``openapi`` the document about all of it
(``register_document`` of one register, ``parts`` what both are made of), ``help`` the same as a page.
"""
