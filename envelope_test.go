package nexmo_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

var (
	priyaData = raw(`{"desk":"repairs","languages":["en","hi"]}`)
	tomasUser = &nexmo.User{
		ID: tomasUID, Name: "tomas", DisplayName: "Tomás", ImageURL: "https://example.com/avatars/tomas.png",
		CustomData: raw(`{"customer":"C-2087"}`),
	}
	priyaUser = &nexmo.User{
		ID: priyaUID, Name: "priya", DisplayName: "Priya at the workshop", ImageURL: "https://example.com/avatars/priya.png",
		CustomData: priyaData,
	}
	phoneChannel = &nexmo.Channel{
		Type: "phone", ID: phoneLeg,
		From: &nexmo.Endpoint{Type: "phone", Number: "447700900123"},
		To:   &nexmo.Endpoint{Type: "phone", Number: "15555550123"},
	}
	answeredChannel = &nexmo.Channel{
		Type: "phone", ID: phoneLeg,
		From:   &nexmo.Endpoint{Type: "phone", Number: "447700900123"},
		To:     &nexmo.Endpoint{Type: "phone", Number: "15555550123"},
		LegIDs: []string{phoneLeg},
		Legs:   nexmo.Legs{{ID: phoneLeg, Status: nexmo.LegStatusAnswered}},
	}
	silent = nexmo.Media{
		Audio:         nexmo.False,
		AudioSettings: nexmo.AudioSettings{Enabled: nexmo.False, Earmuffed: nexmo.False, Muted: nexmo.False},
	}
	joinedFromApp = &nexmo.MemberJoined{Membership: nexmo.Membership{
		MemberID: priyaID,
		User: nexmo.User{
			ID: priyaUID, UserID: priyaUID, Name: "priya", DisplayName: "Priya at the workshop",
			ImageURL: "https://example.com/avatars/priya.png", Properties: nexmo.UserProperties{CustomData: priyaData},
		},
		Channel: &nexmo.Channel{
			Type: "app", ID: appLeg,
			From: &nexmo.Endpoint{Type: "app"}, To: &nexmo.Endpoint{Type: "app", User: "priya"},
			LegIDs: []string{appLeg}, Legs: nexmo.Legs{{ID: appLeg, Status: nexmo.LegStatusAnswered}},
			LegSettings: raw(`{}`),
		},
		Timestamp: nexmo.MemberTimestamp{Invited: at("2024-05-17T13:40:01.115Z"), Joined: at("2024-05-17T13:40:03.402Z")},
		Initiator: nexmo.Initiator{Joined: nexmo.Cause{IsSystem: nexmo.False, UserID: priyaUID, MemberID: priyaID}},
	}}
)

// envelopes is what each file in testdata/envelopes says.
var envelopes = map[string]nexmo.Event{
	"beta": {
		ID: 4, Type: "text", ConversationID: chatID, From: tomasID,
		Timestamp: at("2018-11-06T10:14:25.904Z"),
		Body:      aText("Do you have 28 inch tyres?"),
	},
	"deleted-custom": {
		ID: 16, Type: "custom:order-update", ConversationID: chatID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body:      &nexmo.Custom{Name: "order-update", JSON: raw(`{"timestamp":{"deleted":"2024-05-17T13:51:00.094Z"}}`)},
	},
	"deleted-message": {
		ID: 15, Type: "message", ConversationID: chatID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:12.640Z"), State: &nexmo.EventState{},
		Body: &nexmo.Message{MessageContent: nexmo.MessageContent{Timestamp: nexmo.BodyTimestamp{Deleted: at("2024-05-17T13:50:20.481Z")}}},
	},
	"dtmf-digit": {
		ID: 36, Type: "audio:dtmf", ConversationID: callID, ApplicationID: shopID, From: callerID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.AudioDTMF{
			Digits: "7", Digit: "7", Sequence: 2, Method: "in", Channel: answeredChannel,
			Duration: nexmo.Milliseconds(90 * time.Millisecond),
		},
	},
	"dtmf-neither": {
		ID: 37, Type: "audio:dtmf", ConversationID: callID, ApplicationID: shopID, From: callerID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.AudioDTMF{DTMFID: "dd849009-af93-4e6f-940e-54a543979e59"},
	},
	"from-null": {
		ID: 44, Type: "custom:order-update", ConversationID: chatID, ApplicationID: shopID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.Custom{Name: "order-update", JSON: raw(`{"order":"441","state":"paid"}`)},
	},
	"hangup-v1-names": {
		ID: 38, Type: "sip:hangup", ConversationID: callID, From: callerID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body: &nexmo.SIPHangup{Hangup: nexmo.Hangup{
			Direction: nexmo.DirectionOutbound,
			Channel:   &nexmo.Channel{},
			Bandwidth: nexmo.Bandwidth{BytesIn: 48160, BytesOut: 47680, ByteIn: 48160, ByteOut: 47680},
			Reason:    nexmo.HangupReason{Reason: nexmo.Reason{Text: "Gone", Code: "gone"}, SIPCode: 410},
		}},
	},
	"id-zero": {
		Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      aText("counted from nothing"),
	},
	"image-flat": {
		ID: 34, Type: "image", ConversationID: chatID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body: &nexmo.Image{
			ID: "0b2eae9e-49f6-4213-9750-9df0c11d1255", Original: flatOriginal, Medium: flatMedium, Thumbnail: flatThumbnail,
			Representations: nexmo.Representations{
				ID: "0b2eae9e-49f6-4213-9750-9df0c11d1255", Original: flatOriginal, Medium: flatMedium, Thumbnail: flatThumbnail,
			},
		},
	},
	"image-representations-empty": {
		ID: 35, Type: "image", ConversationID: chatID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body:      &nexmo.Image{},
	},
	"invited-by-null": {
		ID: 1, Type: "member:invited", ConversationID: callID, ApplicationID: shopID, From: callerID,
		Timestamp: at("2024-05-16T08:02:30.655Z"),
		Body: &nexmo.MemberInvited{
			CName: callName,
			Membership: nexmo.Membership{
				MemberID:     callerID,
				Conversation: nexmo.ConversationRef{ConversationID: callID, Name: callName},
				User:         nexmo.User{ID: callerUID, UserID: callerUID, MemberID: callerID, Name: callerName, Media: silent},
				Channel:      answeredChannel,
				Media:        silent,
				Timestamp:    nexmo.MemberTimestamp{Invited: at("2024-05-16T08:02:30.640Z")},
				Initiator:    nexmo.Initiator{Invited: nexmo.Cause{IsSystem: nexmo.True}},
			},
		},
	},
	"legs-object": {
		ID: 33, Type: "audio:speaking:on", ConversationID: callID, ApplicationID: shopID, From: callerID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.AudioSpeakingOn{Speaking: nexmo.Speaking{Channel: answeredChannel}},
	},
	"location-numbers": {
		ID: 40, Type: "message", ConversationID: chatID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
			MessageType: nexmo.MessageTypeLocation,
			Location:    &nexmo.Location{Longitude: 2.25, Latitude: 54.5, Name: "Example Cycles", Address: "2 Chainring Lane, Exampleton"},
		}},
	},
	"media-audio-object": {
		ID: 3, Type: "member:invited", ConversationID: chatID, From: priyaID,
		Timestamp: at("2019-06-20T09:12:45.126Z"),
		Body: &nexmo.MemberInvited{
			CName: "order-441", InvitedBy: "tomas",
			Membership: nexmo.Membership{
				MemberID:     priyaID,
				Conversation: nexmo.ConversationRef{ConversationID: chatID, Name: "order-441", DisplayName: "Order 441"},
				User:         nexmo.User{ID: priyaUID, UserID: priyaUID, MemberID: priyaID, Name: "priya", Media: mutedMedia},
				Channel:      &nexmo.Channel{Type: "app", ID: appLeg},
				Media:        mutedMedia,
				Timestamp:    nexmo.MemberTimestamp{Invited: at("2019-06-20T09:12:45.118Z")},
			},
		},
	},
	"member-joined-2017": {
		ID: 1, Type: "member:joined", ConversationID: chatID, From: tomasID,
		Timestamp: at("2017-11-23T17:05:40.119Z"),
		Body: &nexmo.MemberJoined{Membership: nexmo.Membership{
			User:      nexmo.User{ID: tomasUID, UserID: tomasUID, Name: "tomas"},
			Timestamp: nexmo.MemberTimestamp{Joined: at("2017-11-23T17:05:40.118Z")},
		}},
	},
	"member-left-2017": {
		ID: 8, Type: "member:left", ConversationID: chatID, From: tomasID,
		Timestamp: at("2017-11-23T17:21:02.645Z"),
		Body: &nexmo.MemberLeft{Membership: nexmo.Membership{
			User:      nexmo.User{ID: tomasUID, Name: "tomas"},
			Timestamp: nexmo.MemberTimestamp{Joined: at("2017-11-23T17:05:40.118Z"), Left: at("2017-11-23T17:21:02.645Z")},
		}},
	},
	"push-stitch": {
		ID: 6, Type: "text", ConversationID: chatID, From: tomasID,
		Timestamp: at("2018-02-19T12:08:51.660Z"),
		Body:      aText("Any news about my wheel?"),
	},
	"push": {
		ID: 26, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		FromUser:  &nexmo.User{ID: tomasUID, Name: "tomas"},
		Timestamp: at("2021-09-08T15:31:27.402Z"),
		Body:      aText("Any news about my wheel?"),
	},
	"receipt-text-id": {
		ID: 39, Type: "message:delivered", ConversationID: chatID, From: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body:      &nexmo.MessageDelivered{Receipt: nexmo.Receipt{EventID: 4}},
	},
	"stream-url-text": {
		ID: 41, Type: "audio:play", ConversationID: callID, ApplicationID: shopID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.AudioPlay{
			StreamURL: nexmo.StringList{"https://example.com/audio/freewheel.mp3"},
			Level:     new(0.0), Loop: new(1), Queue: nexmo.False, PlayID: "105039af-8aa9-4fc7-b987-617786bf1b07",
		},
	},
	"template-sibling": {
		ID: 42, Type: "message", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
			MessageType: nexmo.MessageTypeTemplate,
			Template:    &nexmo.Template{Name: "bike_ready", Parameters: []string{"Tomás"}},
			WhatsApp:    &nexmo.WhatsApp{Policy: "deterministic", Locale: "en-GB"},
		}},
	},
	"timestamp-no-fraction": {
		ID: 46, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:10Z"),
		Body:      aText("on the second"),
	},
	"timestamp-offset": {
		ID: 45, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:10.250Z"),
		Body:      aText("sent from two hours east"),
	},
	"timestamp-two-digits": {
		ID: 47, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:10.070Z"),
		Body:      aText("two digits"),
	},
	"unknown-family": {
		ID: 32, Type: "survey:completed", ConversationID: chatID, ApplicationID: shopID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.RawBody{Type: "survey:completed", JSON: raw(`{"score":9,"answers":{"q1":"yes","q2":"café"}}`)},
	},
	"unknown-type": {
		ID: 31, Type: "member:promoted", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.RawBody{Type: "member:promoted", JSON: raw(`{"member_id":"` + priyaID + `","role":"moderator",
			"since":"2024-05-17T13:42:10.300Z","weights":[1,2.5,-300.0],"note":null}`)},
	},
	"v0.1-single": {
		ID: 4, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2018-11-06T10:14:25.904Z"),
		Body:      aText("Do you have 28 inch tyres?"),
	},
	"v0.1-string-id": {
		ID: 5, Type: "member:joined", ConversationID: chatID, From: priyaID,
		Timestamp: at("2019-04-02T07:45:12.034Z"),
		Body: &nexmo.MemberJoined{Membership: nexmo.Membership{
			User:      nexmo.User{ID: priyaUID, Name: "priya"},
			Timestamp: nexmo.MemberTimestamp{Joined: at("2019-04-02T07:45:12.030Z")},
		}},
	},
	"v0.2-member-resource": {
		ID: 10, Type: "member:invited", ConversationID: chatID, From: tomasID,
		Timestamp: at("2020-03-11T16:21:02.455Z"),
		Body: &nexmo.MemberInvited{Membership: nexmo.Membership{
			MemberID: priyaID, ID: priyaID, UserID: priyaUID, Name: "priya", DisplayName: "Priya at the workshop", State: nexmo.MemberStateInvited,
			User:      nexmo.User{ID: priyaUID, Name: "priya", DisplayName: "Priya at the workshop"},
			Timestamp: nexmo.MemberTimestamp{Invited: at("2020-03-11T16:21:02.440Z")},
			Channel:   &nexmo.Channel{Type: "app"},
			Initiator: nexmo.Initiator{Invited: nexmo.Cause{IsSystem: nexmo.True, IsSystemREST: nexmo.True}},
			Media:     silent,
		}},
	},
	"v0.2": {
		ID: 9, Type: "text", ConversationID: chatID, From: tomasID,
		Timestamp: at("2020-03-11T16:20:44.870Z"),
		Body:      aText("The blue ones, please."),
	},
	"v0.3-state-empty": {
		ID: 2, Type: "member:joined", ConversationID: chatID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"), State: &nexmo.EventState{},
		Body: joinedFromApp,
	},
	"v0.3-state-object": {
		ID: 14, Type: "message", ConversationID: chatID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		State: &nexmo.EventState{
			SubmittedTo: nexmo.ReceiptTimes{tomasID: at("2024-05-17T13:42:13Z")},
			DeliveredTo: nexmo.ReceiptTimes{tomasID: at("2024-05-17T13:42:13.310Z")},
			SeenBy:      nexmo.ReceiptTimes{tomasID: at("2024-05-17T13:42:31.077Z")},
			RejectedBy:  nexmo.ReceiptTimes{}, UndeliverableTo: nexmo.ReceiptTimes{},
		},
		Body: fridayMessage,
	},
	"v1-relative-link": {
		ID: 14, Type: "message", ConversationID: chatID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body:      fridayMessage,
	},
	"v1": {
		ID: 14, Type: "message", ConversationID: chatID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body:      fridayMessage,
	},
	"vcard-image": {
		ID: 43, Type: "message", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
			MessageType: nexmo.MessageTypeVCard, Image: &nexmo.MessageFileURL{URL: "https://example.com/media/workshop.vcf"},
		}},
	},
	"webhook-application": {
		Type: "conversation:created", ConversationID: "CON-754a264f-c1de-4ebe-b9d8-99c62c945ee7", ApplicationID: shopID,
		Timestamp: at("2024-05-17T07:00:00.219Z"),
		Body: &nexmo.ConversationCreated{ConversationDetails: nexmo.ConversationDetails{
			ID: "CON-754a264f-c1de-4ebe-b9d8-99c62c945ee7", Name: "workshop-queue", DisplayName: "Workshop queue",
			State: nexmo.ConversationStateActive, Timestamp: nexmo.ConversationTimestamp{Created: at("2024-05-17T07:00:00.212Z")},
		}},
	},
	"webhook-knocker": {
		Type: "sip:hangup", ApplicationID: shopID, From: "knocker:26c0d7c2-32e7-46a6-82c9-3621949a1c4e",
		Timestamp: at("2024-05-16T08:02:24.881Z"),
		Body:      &nexmo.SIPHangup{Hangup: nexmo.Hangup{Direction: nexmo.DirectionInbound, Channel: phoneChannel}},
	},
	"webhook-media-result-minimal": {
		Type: "audio:play:done", ApplicationID: shopID,
		Timestamp: at("2024-05-16T08:05:19.770Z"),
		Body:      &nexmo.AudioPlayDone{PlayID: "60a0c3db-28b7-455a-809d-bb03bf9592e6"},
	},
	"webhook-not-stored": {
		Type: "text:typing:on", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.TextTypingOn{Typing: nexmo.Typing{Activity: new(1)}},
	},
	"webhook-params": {
		ID: 22, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Params:    raw(`{"applicationId":"` + shopID + `","ncco_url":"https://example.com/ncco/repairs?lang=en"}`),
		Body:      aText("Which gear?"),
	},
	"webhook-signalling": {
		Type: "rtc:answer", ConversationID: callID, ApplicationID: shopID,
		Timestamp: at("2024-05-16T08:03:01.009Z"),
		Body: &nexmo.RTCAnswer{
			Answer: answerSDP("192.0.2.30"), RTCID: appLeg,
			IsFromMB: nexmo.True, SessionDestination: "681b2baa-3dc1-4664-bcaf-0e0b0596586c",
		},
	},
	"webhook": {
		ID: 21, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      aText("See you at 5 <3 & thanks"),
	},
	"websocket-no-from": {
		Type: "rtc:answer", ConversationID: callID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body: &nexmo.RTCAnswer{
			Answer: answerSDP("192.0.2.31"), RTCID: appLeg,
			SessionDestination: "681b2baa-3dc1-4664-bcaf-0e0b0596586c",
		},
	},
	"websocket-no-timestamp": {
		ID: 24, Type: "audio:say", ConversationID: chatID, From: priyaID,
		Body: &nexmo.AudioSay{
			Text: "One moment, please.", Level: new(1.0), Loop: new(1), Queue: nexmo.True, VoiceName: "Amy",
			SSML: nexmo.False, SayID: "8acdcc32-924d-477d-9ac6-30293a33a3b2",
		},
	},
	"websocket-packet": {
		ID: 2, Type: "member:joined", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body:      joinedFromApp,
	},
	"websocket": {
		ID: 23, Type: "text:seen", ConversationID: chatID, From: priyaID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body:      &nexmo.TextSeen{Receipt: nexmo.Receipt{EventID: 22}},
	},
}

var (
	fridayMessage = &nexmo.Message{MessageContent: nexmo.MessageContent{MessageType: nexmo.MessageTypeText, Text: "Ready on Friday."}}

	flatOriginal = &nexmo.Rendition{
		ID: "91fc949b-1aa6-4b67-b2da-15cba424e990", Type: "ORIGINAL", Size: 742118,
		URL: "https://api.nexmo.com/v3/media/91fc949b-1aa6-4b67-b2da-15cba424e990",
	}
	flatMedium = &nexmo.Rendition{
		ID: "ad99e73b-27f0-4d37-a6b8-40f5d3721bd7", Type: "MEDIUM", Size: 218640,
		URL: "https://api.nexmo.com/v3/media/ad99e73b-27f0-4d37-a6b8-40f5d3721bd7",
	}
	flatThumbnail = &nexmo.Rendition{
		ID: "616ce5c4-89f1-4c6c-a359-45a2a741a822", Type: "THUMBNAIL", Size: 18022,
		URL: "https://api.nexmo.com/v3/media/616ce5c4-89f1-4c6c-a359-45a2a741a822",
	}
	mutedMedia = nexmo.Media{
		Audio:         nexmo.True,
		AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Earmuffed: nexmo.False, Muted: nexmo.True},
	}
)

func answerSDP(address string) string {
	return "v=0\r\no=- 31415926 2 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
		"\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
}

func TestParseEventEnvelopes(t *testing.T) {
	t.Parallel()
	files := filesIn(t, "testdata/envelopes")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := envelopes[name]
			if !ok {
				t.Fatal("the file has no row in the table of envelopes")
			}
			data := readFile(t, file)
			want.Raw = nexmo.Raw(data)
			got := parseText(t, data)
			if diff := cmp.Diff(&want, got, sameEvent); diff != "" {
				t.Errorf("ParseEvent (-want +got):\n%s", diff)
			}
			if string(data) != string(got.Raw) {
				t.Errorf("Raw is not what was received:\n%s", got.Raw)
			}
			if loc := got.Timestamp.Location(); loc != time.UTC {
				t.Errorf("Timestamp is in %v, want UTC", loc)
			}
			compareGolden(t, "envelopes/"+name+".json", describe(got))
		})
	}
	if len(files) != len(envelopes) {
		t.Errorf("%d files, %d rows in the table", len(files), len(envelopes))
	}
}
