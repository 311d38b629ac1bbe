package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/conversation-events/nexmo"
)

// What a program does without this package: encoding/json in two passes, the
// envelope and then the body into the struct of its type, and golang-jwt.

type standardEvent struct {
	ID             nexmo.EventID   `json:"id"`
	Type           nexmo.EventType `json:"type"`
	ConversationID string          `json:"conversation_id"`
	ApplicationID  string          `json:"application_id"`
	From           string          `json:"from"`
	To             string          `json:"to"`
	Timestamp      time.Time       `json:"timestamp"`
	State          json.RawMessage `json:"state"`
	Params         json.RawMessage `json:"params"`
	Embedded       struct {
		FromUser   *nexmo.User `json:"from_user"`
		FromMember struct {
			ID string `json:"id"`
		} `json:"from_member"`
	} `json:"_embedded"`
	RawBody json.RawMessage `json:"body"`

	Body nexmo.Body `json:"-"`
}

func (e *standardEvent) readBody() error {
	switch e.Type {
	case nexmo.EventMemberJoined:
		e.Body = new(nexmo.MemberJoined)
	case nexmo.EventText:
		e.Body = new(nexmo.Text)
	default:
		return fmt.Errorf("type %q", e.Type)
	}
	return json.Unmarshal(e.RawBody, e.Body)
}

func standardParse(data []byte) (*standardEvent, error) {
	e := new(standardEvent)
	if err := json.Unmarshal(data, e); err != nil {
		return nil, err
	}
	return e, e.readBody()
}

func standardPage(data []byte) ([]*standardEvent, error) {
	var page struct {
		Embedded struct {
			Events []*standardEvent `json:"events"`
		} `json:"_embedded"`
		Links struct {
			Next struct {
				Href string `json:"href"`
			} `json:"next"`
		} `json:"_links"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, err
	}
	for _, e := range page.Embedded.Events {
		if err := e.readBody(); err != nil {
			return nil, err
		}
	}
	return page.Embedded.Events, nil
}

type standardClaims struct {
	jwt.RegisteredClaims
	PayloadHash   string `json:"payload_hash"`
	APIKey        string `json:"api_key"`
	ApplicationID string `json:"application_id"`
}

func standardVerify(token string, body []byte) error {
	claims := new(standardClaims)
	_, err := jwt.ParseWithClaims(token, claims,
		func(*jwt.Token) (any, error) { return []byte(secret), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("Vonage"), jwt.WithIssuedAt(), jwt.WithLeeway(time.Minute))
	if err != nil {
		return err
	}
	if claims.IssuedAt == nil || time.Since(claims.IssuedAt.Time) > 24*time.Hour {
		return errors.New("too old")
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != claims.PayloadHash {
		return errors.New("another body")
	}
	return nil
}

// Structs of its own, in which no type reads itself: encoding/json is at its
// fastest with those.

type plainEvent struct {
	ID             int64           `json:"id"`
	Type           string          `json:"type"`
	ConversationID string          `json:"conversation_id"`
	ApplicationID  string          `json:"application_id"`
	From           string          `json:"from"`
	To             string          `json:"to"`
	Timestamp      time.Time       `json:"timestamp"`
	State          json.RawMessage `json:"state"`
	Params         json.RawMessage `json:"params"`
	Embedded       struct {
		FromUser   *plainUser `json:"from_user"`
		FromMember struct {
			ID string `json:"id"`
		} `json:"from_member"`
	} `json:"_embedded"`
	RawBody json.RawMessage `json:"body"`

	Body any `json:"-"`
}

type plainUser struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DisplayName string          `json:"display_name"`
	ImageURL    string          `json:"image_url"`
	CustomData  json.RawMessage `json:"custom_data"`
}

type plainEndpoint struct {
	Type   string `json:"type"`
	Number string `json:"number"`
	User   string `json:"user"`
}

type plainCause struct {
	IsSystem bool   `json:"isSystem"`
	UserID   string `json:"user_id"`
	MemberID string `json:"member_id"`
}

type plainText struct {
	Text string `json:"text"`
}

type plainJoined struct {
	MemberID string    `json:"member_id"`
	User     plainUser `json:"user"`
	Channel  *struct {
		ID   string         `json:"id"`
		Type string         `json:"type"`
		From *plainEndpoint `json:"from"`
		To   *plainEndpoint `json:"to"`
		Legs []struct {
			ID     string `json:"leg_id"`
			Status string `json:"status"`
		} `json:"legs"`
		Headers map[string]string `json:"headers"`
	} `json:"channel"`
	Timestamp struct {
		Invited time.Time `json:"invited"`
		Joined  time.Time `json:"joined"`
		Left    time.Time `json:"left"`
	} `json:"timestamp"`
	Initiator struct {
		Invited plainCause `json:"invited"`
		Joined  plainCause `json:"joined"`
	} `json:"initiator"`
	Media struct {
		AudioSettings struct {
			Enabled   bool `json:"enabled"`
			Earmuffed bool `json:"earmuffed"`
			Muted     bool `json:"muted"`
		} `json:"audio_settings"`
		Audio bool `json:"audio"`
	} `json:"media"`
}

func plainParse(data []byte) (*plainEvent, error) {
	e := new(plainEvent)
	if err := json.Unmarshal(data, e); err != nil {
		return nil, err
	}
	switch e.Type {
	case "member:joined":
		e.Body = new(plainJoined)
	case "text":
		e.Body = new(plainText)
	default:
		return nil, fmt.Errorf("type %q", e.Type)
	}
	return e, json.Unmarshal(e.RawBody, e.Body)
}
