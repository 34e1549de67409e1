"""Prints the names that a user of the client sees: models, and modules with the call of each operation."""

import pkgutil

from nest_payments import api, models

print(*models.__all__, sep="\n")
for tag in pkgutil.iter_modules(api.__path__):
    for operation in pkgutil.iter_modules([f"{api.__path__[0]}/{tag.name}"]):
        print(f"{tag.name}.{operation.name}.sync")
