package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/diamondburned/arikawa/v3/utils/ws"
	disgo "github.com/disgoorg/disgo/gateway"
	"github.com/google/go-github/v89/github"
	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/webhook"

	"github.com/conversation-events/nexmo/internal/benchdata"
)

// The peers: libraries of other services for the same tasks. Each reads events of
// its own service, all different and about as long as a member:joined.

// discordRing are MESSAGE_CREATE as Discord's gateway sends them.
func discordRing() [][]byte {
	ring := make([][]byte, benchdata.Size)
	for i := range ring {
		ring[i] = fmt.Appendf(nil, `{"t":"MESSAGE_CREATE","s":%d,"op":0,"d":{"type":0,"tts":false,"timestamp":"2024-05-16T08:%02d:07.437000+00:00",`+
			`"pinned":false,"nonce":"12406418%05d","mentions":[],"mention_roles":[],"mention_everyone":false,`+
			`"member":{"roles":["91850203391%05d"],"premium_since":null,"pending":false,"nick":"rider %d","mute":false,`+
			`"joined_at":"2021-02-07T12:%02d:44.241000+00:00","flags":0,"deaf":false,"communication_disabled_until":null,"avatar":null},`+
			`"id":"12406418771%05d","flags":0,"embeds":[],"edited_timestamp":null,`+
			`"content":"Hello number %d! Is the tandem from order %d ready, or shall I come by another day this week?","components":[],`+
			`"channel_id":"91850204012%05d","author":{"username":"user-%d","public_flags":0,"id":"30612345678%05d","global_name":"User %d",`+
			`"discriminator":"0","avatar":"%08x2c7b4f84babbfc1eaa17%04x"},"attachments":[{"id":"124064187715437911","filename":"tandem.jpg","size":48213,"url":"https://cdn.example.com/attachments/tandem.jpg"}],"guild_id":"91850203391%05d"}}`,
			i+1, i%60, i*i, i, i, i%60, i*7, i*i, 441+i, i, i*i, i*13, i, uint32(i)*0x9e3779b1, i, i)
	}
	return ring
}

// githubRing are issue_comment as GitHub posts them, with only some of the fields
// that they have there.
func githubRing() [][]byte {
	ring := make([][]byte, benchdata.Size)
	for i := range ring {
		ring[i] = fmt.Appendf(nil, `{"action":"created","issue":{"url":"https://api.github.com/repos/cycles/shop/issues/%d","id":%d,`+
			`"number":%d,"title":"Order %d","user":{"login":"user-%d","id":%d,"type":"User","site_admin":false},"state":"open","locked":false,`+
			`"labels":[{"id":208045946,"name":"bicycles","color":"f29513","default":false},{"id":208045947,"name":"workshop","color":"0e8a16","default":false}],`+
			`"comments":%d,"created_at":"2024-05-16T08:%02d:07Z","updated_at":"2024-05-16T09:%02d:07Z"},`+
			`"comment":{"url":"https://api.github.com/repos/cycles/shop/issues/comments/%d","id":%d,"user":{"login":"user-%d","id":%d,"type":"User"},`+
			`"created_at":"2024-05-16T09:%02d:07Z","updated_at":"2024-05-16T09:%02d:07Z","author_association":"OWNER",`+
			`"body":"Hello number %d! Is the tandem from order %d ready, or shall I come by another day this week?"},`+
			`"repository":{"id":%d,"name":"shop","full_name":"cycles/shop","private":false,"fork":false,"default_branch":"main"},"sender":{"login":"user-%d","id":%d,"type":"User"}}`,
			i, 9_000_000+i, i, 441+i, i*i, 4_000+i, i%7, i%60, i%60, i, 77_000+i, i*i, 4_000+i, i%60, i%60, i*i, 441+i, 100+i, i*i, 4_000+i)
	}
	return ring
}

// livekitRing are participant_joined as LiveKit posts them.
func livekitRing() [][]byte {
	ring := make([][]byte, benchdata.Size)
	for i := range ring {
		ring[i] = fmt.Appendf(nil, `{"event":"participant_joined","room":{"sid":"RM_%08x%04x","name":"shop-%d","emptyTimeout":300,`+
			`"departureTimeout":20,"creationTime":"1715846%03d","creationTimeMs":"1715846%03d000","turnPassword":"","enabledCodecs":[`+
			`{"mime":"video/H264","fmtpLine":""},{"mime":"video/VP8","fmtpLine":""},{"mime":"audio/opus","fmtpLine":""}],`+
			`"metadata":"order %d","numParticipants":%d,"activeRecording":%v},"participant":{"sid":"PA_%08x%04x","identity":"user-%d",`+
			`"state":"ACTIVE","metadata":"Hello! Is the tandem from order %d ready, or shall I come by another day this week? I have time.","joinedAt":"1715846%03d","name":"User %d","version":%d,`+
			`"permission":{"canSubscribe":true,"canPublish":true,"canPublishData":true,"hidden":false},"region":"eu-3","isPublisher":%v,`+
			`"kind":"SIP","attributes":{"sip.phoneNumber":"+447700900%03d","sip.trunkPhoneNumber":"+15555550123","sip.callStatus":"active"},`+
			`"disconnectReason":"UNKNOWN_REASON"},"id":"EV_%08x%04x","createdAt":"1715846%03d"}`,
			uint32(i)*0x9e3779b1, i, i, i, i, 441+i, i%9, i%2 == 0, uint32(i)*0x85ebca6b, i, i*i, 441+i, i, i, i, i%3 == 0, i, uint32(i)*0xc2b2ae35, i, i)
	}
	return ring
}

// discordgoDecode is what a discordgo.Session does with a message of its gateway.
func discordgoDecode(data []byte) (*discordgo.MessageCreate, error) {
	var e *discordgo.Event
	if err := json.NewDecoder(bytes.NewBuffer(data)).Decode(&e); err != nil {
		return nil, err
	}
	m := new(discordgo.MessageCreate)
	return m, json.Unmarshal(e.RawData, m)
}

func disgoDecode(data []byte) (disgo.EventMessageCreate, error) {
	var m disgo.Message
	if err := json.Unmarshal(data, &m); err != nil {
		return disgo.EventMessageCreate{}, err
	}
	e, ok := m.D.(disgo.EventMessageCreate)
	if !ok {
		return e, fmt.Errorf("%T", m.D)
	}
	return e, nil
}

// arikawaDecoder is what arikawa reads its gateway with.
type arikawaDecoder struct {
	codec ws.Codec
	buf   ws.DecodeBuffer
	out   chan ws.Op
}

func newArikawaDecoder() *arikawaDecoder {
	return &arikawaDecoder{ws.NewCodec(gateway.OpUnmarshalers), ws.NewDecodeBuffer(1 << 14), make(chan ws.Op, 1)}
}

func (d *arikawaDecoder) decode(data []byte) (*gateway.MessageCreateEvent, error) {
	if err := d.codec.DecodeInto(context.Background(), bytes.NewReader(data), &d.buf, d.out); err != nil {
		return nil, err
	}
	op := <-d.out
	e, ok := op.Data.(*gateway.MessageCreateEvent)
	if !ok {
		return nil, fmt.Errorf("%T", op.Data)
	}
	return e, nil
}

func githubDecode(data []byte) (*github.IssueCommentEvent, error) {
	e, err := github.ParseWebHook("issue_comment", data)
	if err != nil {
		return nil, err
	}
	comment, ok := e.(*github.IssueCommentEvent)
	if !ok {
		return nil, fmt.Errorf("%T", e)
	}
	return comment, nil
}

// hook is a webhook: a body and the header that vouches for it.
type hook struct {
	body  []byte
	token string
}

// request makes a request of a hook, as a server hands it to a handler.
func (h hook) request(header string) *http.Request {
	r := &http.Request{Method: http.MethodPost, Header: http.Header{header: {h.token}, "Content-Type": {"application/json"}}}
	r.ContentLength = int64(len(h.body))
	r.Body = io.NopCloser(bytes.NewReader(h.body))
	return r
}

func githubHooks() []hook {
	ring := make([]hook, benchdata.Size)
	for i, body := range githubRing() {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = mac.Write(body)
		ring[i] = hook{body, "sha256=" + hex.EncodeToString(mac.Sum(nil))}
	}
	return ring
}

func githubReceive(r *http.Request) error {
	body, err := github.ValidatePayload(r, []byte(secret))
	if err != nil {
		return err
	}
	_, err = githubDecode(body)
	return err
}

const livekitKey = "key"

func livekitHooks() ([]hook, error) {
	ring := make([]hook, benchdata.Size)
	for i, body := range livekitRing() {
		sum := sha256.Sum256(body)
		token, err := auth.NewAccessToken(livekitKey, secret).SetValidFor(24 * time.Hour).
			SetSha256(base64.StdEncoding.EncodeToString(sum[:])).ToJWT()
		if err != nil {
			return nil, err
		}
		ring[i] = hook{body, token}
	}
	return ring, nil
}

var livekitKeys = auth.NewSimpleKeyProvider(livekitKey, secret)

func livekitReceive(r *http.Request) error {
	e, err := webhook.ReceiveWebhookEvent(r, livekitKeys)
	if err == nil && e.GetParticipant().GetIdentity() == "" {
		err = errors.New("not decoded")
	}
	return err
}
