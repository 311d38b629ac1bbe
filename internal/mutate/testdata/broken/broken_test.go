package broken

import "testing"

func TestDouble(t *testing.T) {
	if Double(2) != 5 {
		t.Error("2 and 2 are not 5")
	}
}
