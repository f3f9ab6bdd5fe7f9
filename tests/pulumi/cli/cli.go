//go:build tools

// Package cli pins the version of the pulumi command line, and of all that it is built from.
package cli

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
