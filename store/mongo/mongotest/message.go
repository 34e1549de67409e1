package mongotest

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
)

// The layout of an OP_MSG: a header of 16 bytes, flags of 4, and sections. The first
// section is the command or the answer: its kind, a zero byte, and a document.
// Source: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/#op_msg
const (
	opMsg         = 2013
	opcodeAt      = 12
	sectionKindAt = 20
	documentAt    = 21
)

// changed returns the answer after change. Messages of another kind stay as they are.
func changed(request, answer []byte, change func(command, answer bson.D) bson.D) ([]byte, error) {
	command, err := document(request)
	if command == nil || err != nil {
		return answer, err
	}
	before, err := document(answer)
	if before == nil || err != nil {
		return answer, err
	}
	after, err := bson.Marshal(change(command, before))
	if err != nil {
		return nil, err
	}
	message := append(answer[:documentAt:documentAt], after...)
	binary.LittleEndian.PutUint32(message, uint32(len(message))) // #nosec G115 -- far below 4 GiB
	return message, nil
}

// document returns the first document of an OP_MSG, nil for another message.
func document(message []byte) (d bson.D, err error) {
	if len(message) < documentAt || binary.LittleEndian.Uint32(message[opcodeAt:]) != opMsg {
		return nil, nil
	}
	if kind := message[sectionKindAt]; kind != 0 {
		return nil, fmt.Errorf("the first section of a message is of kind %d", kind)
	}
	raw, err := bson.ReadDocument(bytes.NewReader(message[documentAt:])) // other sections may follow
	if err != nil {
		return nil, err
	}
	return d, bson.Unmarshal(raw, &d)
}
