// Command verify checks .tlog-proof files of Namak with nothing of Namak's own: the notes and the Merkle tree
// are those of golang.org/x/mod, which stand behind Go's checksum database.
//
//	verify --vkey VKEY FILE...
//
// One line is printed per file; the exit status is 0 only if every file proves that the SHA-256 of its extra
// data is an entry of the log that VKEY names.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const firstLine = "c2sp.org/tlog-proof@v1"

type proof struct {
	extra      []byte
	index      int64
	hashes     tlog.RecordProof
	checkpoint []byte
}

func parseHash(text string) (tlog.Hash, error) {
	var hash tlog.Hash
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return hash, err
	}
	if len(data) != tlog.HashSize {
		return hash, fmt.Errorf("a hash has %d bytes", len(data))
	}
	copy(hash[:], data)
	return hash, nil
}

func parseProof(data []byte) (*proof, error) {
	end := bytes.Index(data, []byte("\n\n"))
	if end < 0 {
		return nil, errors.New("no empty line before the checkpoint")
	}
	lines := strings.Split(string(data[:end]), "\n")
	if len(lines) < 3 || lines[0] != firstLine {
		return nil, errors.New("not a " + firstLine)
	}
	if !strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
		return nil, errors.New("no extra and index lines")
	}
	p := &proof{checkpoint: data[end+2:]}
	var err error
	if p.extra, err = base64.StdEncoding.Strict().DecodeString(lines[1][len("extra "):]); err != nil {
		return nil, fmt.Errorf("extra data: %w", err)
	}
	if p.index, err = strconv.ParseInt(lines[2][len("index "):], 10, 64); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	for _, line := range lines[3:] {
		hash, err := parseHash(line)
		if err != nil {
			return nil, fmt.Errorf("inclusion proof: %w", err)
		}
		p.hashes = append(p.hashes, hash)
	}
	return p, nil
}

// openCheckpoint returns size and root from the note, once the log's signature over it has been verified.
func openCheckpoint(checkpoint []byte, log note.Verifier) (int64, tlog.Hash, error) {
	opened, err := note.Open(checkpoint, note.VerifierList(log))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != log.Name() {
		return 0, tlog.Hash{}, errors.New("not a checkpoint of " + log.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := parseHash(lines[2])
	return size, root, err
}

func verify(data []byte, log note.Verifier) (string, error) {
	p, err := parseProof(data)
	if err != nil {
		return "", fmt.Errorf("malformed proof: %w", err)
	}
	size, root, err := openCheckpoint(p.checkpoint, log)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	// The entry of Namak's log is the digest of the evidence; RecordHash makes the RFC 6962 leaf of it.
	entry := sha256.Sum256(p.extra)
	if err := tlog.CheckRecord(p.hashes, size, root, p.index, tlog.RecordHash(entry[:])); err != nil {
		return "", fmt.Errorf("inclusion: %w", err)
	}
	return fmt.Sprintf("entry %d of %d in %s", p.index, size, log.Name()), nil
}

func main() {
	vkey := flag.String("vkey", "", "the log's verifier key")
	flag.Parse()
	log, err := note.NewVerifier(*vkey)
	if err != nil || flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: verify --vkey VKEY FILE...", err)
		os.Exit(2)
	}
	status := 0
	for _, name := range flag.Args() {
		data, err := os.ReadFile(name)
		found := ""
		if err == nil {
			found, err = verify(data, log)
		}
		if err != nil {
			fmt.Printf("%s: REFUSED: %v\n", name, err)
			status = 1
			continue
		}
		fmt.Printf("%s: OK: %s\n", name, found)
	}
	os.Exit(status)
}
