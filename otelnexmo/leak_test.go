package otelnexmo_test

import (
	"testing"

	"github.com/conversation-events/nexmo/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
