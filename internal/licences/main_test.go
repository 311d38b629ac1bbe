package main

import (
	"os"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestKindOf(t *testing.T) {
	t.Parallel()
	own, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	mit := string(own)
	tests := map[string]struct{ text, want string }{
		"our own":             {mit, "MIT"},
		"with other lines":    {strings.ReplaceAll(mit, "\n", "\r\n  "), "MIT"},
		"with a condition":    {mit + "\n\"Commons Clause\" License Condition v1.0", ""},
		"without the grant":   {strings.Replace(mit, "without restriction", "with restrictions", 1), ""},
		"copyleft":            {"GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007", ""},
		"all rights reserved": {"Copyright 2025. All rights reserved.", ""},
		"nothing":             {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, ok := kindOf(tt.text); got != tt.want || ok != (tt.want != "") {
				t.Errorf("%q, %v, want %q", got, ok, tt.want)
			}
		})
	}
}
