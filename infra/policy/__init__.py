"""What holds for every stack, whoever changes the program: `pulumi up --policy-pack infra/policy` refuses the rest."""
