"""Names for runs whose makers gave them none: an adjective, an animal and a number, told by the run's identity."""

import hashlib
from typing import Final

_ADJECTIVES: Final = """
able airy amber apt azure balmy bold brave breezy brisk calm candid clear clever cosy crisp deft dewy early eager
even fair fleet fond frank fresh gentle glad golden grand handy hardy hazy honest humble jolly keen kind light
lively loyal lucid lucky mellow merry mild neat nimble noble patient placid plucky polite prompt proud quick quiet
rapid ready rosy serene silent silver smooth snowy solid spry steady sunny swift tidy vivid warm wise witty zesty
"""

_ANIMALS: Final = """
adder badger bee beetle bison boar bream carp cat chough cod colt coot crab crane cricket crow deer dog dove duck
eagle eel elk falcon fawn ferret finch fox frog gecko goat goose grouse gull hare hawk hen heron horse ibex ibis jay
kestrel kite lamb lark lizard lynx marten mole moth mouse newt otter owl ox perch pike plover puffin quail raven
robin rook seal sheep shrew skylark snail sparrow squid stork swan tern toad trout vole wolf wren
"""


def name_of(run_id: str) -> str:
    """Return a name for a run."""
    told = int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:8])
    adjectives, animals = _ADJECTIVES.split(), _ANIMALS.split()
    adjective = adjectives[told % len(adjectives)]
    animal = animals[told // 1_000 % len(animals)]
    return f"{adjective}-{animal}-{told // 1_000_000 % 1_000}"
