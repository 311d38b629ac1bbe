package main

import (
	"testing"

	"github.com/conversation-events/nexmo/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
