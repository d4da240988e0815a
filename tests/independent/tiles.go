// Command tiles reads a log's public files (C2SP tlog-tiles) with nothing of Namak's own: the notes, the tiles
// and the proofs are those of golang.org/x/mod, which stand behind Go's checksum database.
//
//	tiles --vkey VKEY [--old CHECKPOINT] DIRECTORY|URL
//
// It authenticates every leaf hash against the checkpoint, compares it with the entry bundle's entry, and
// proves, where an older checkpoint is given, that the log begins with its tree.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type place string

func (p place) read(path string) ([]byte, error) {
	if !strings.HasPrefix(string(p), "http://") {
		return os.ReadFile(filepath.Join(string(p), filepath.FromSlash(path)))
	}
	answer, err := http.Get(string(p) + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// pathOf returns a tile's path as tlog-tiles has it, which leaves out the height that is always 8.
func pathOf(tile tlog.Tile) string {
	if tile.L < 0 {
		return strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
	}
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

func (p place) Height() int { return height }

func (p place) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var rows [][]byte
	for _, tile := range tiles {
		row, err := p.read(pathOf(tile))
		if err != nil {
			return nil, err
		}
		if len(row) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", pathOf(tile), len(row))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (p place) SaveTiles([]tlog.Tile, [][]byte) {}

func opened(checkpoint []byte, log note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	found, err := note.Open(checkpoint, note.VerifierList(log))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(found.Text, "\n")
	if len(lines) < 4 || lines[0] != log.Name() {
		return tree, errors.New("not a checkpoint of " + log.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, errors.New("no root hash")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

func entries(bundle []byte) ([][]byte, error) {
	var found [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 {
			return nil, errors.New("half a length")
		}
		length := int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < 2+length {
			return nil, errors.New("half an entry")
		}
		found = append(found, bundle[2:2+length])
		bundle = bundle[2+length:]
	}
	return found, nil
}

func check(from place, log note.Verifier, old string) (string, error) {
	checkpoint, err := from.read("checkpoint")
	if err != nil {
		return "", err
	}
	tree, err := opened(checkpoint, log)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	reader := tlog.TileHashReader(tree, from)
	for first := int64(0); first < tree.N; first += 1 << height {
		width := min(tree.N-first, 1<<height)
		bundle, err := from.read(pathOf(tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)}))
		if err != nil {
			return "", err
		}
		found, err := entries(bundle)
		if err != nil || int64(len(found)) != width {
			return "", fmt.Errorf("the bundle at entry %d holds %d entries: %v", first, len(found), err)
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return "", err
		}
		for i, entry := range found {
			if tlog.RecordHash(entry) != hashes[i] {
				return "", fmt.Errorf("entry %d is another than the tree has", first+int64(i))
			}
		}
	}
	if old != "" {
		data, err := os.ReadFile(old)
		if err != nil {
			return "", err
		}
		before, err := opened(data, log)
		if err != nil {
			return "", fmt.Errorf("old checkpoint: %w", err)
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return "", err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return "", fmt.Errorf("consistency: %w", err)
		}
	}
	return fmt.Sprintf("%d entries of %s", tree.N, log.Name()), nil
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func main() {
	vkey := flag.String("vkey", "", "the log's verifier key")
	old := flag.String("old", "", "an older checkpoint")
	flag.Parse()
	log, err := note.NewVerifier(*vkey)
	if err != nil || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: tiles --vkey VKEY [--old CHECKPOINT] DIRECTORY|URL", err)
		os.Exit(2)
	}
	found, err := check(place(strings.TrimRight(flag.Arg(0), "/")), log, *old)
	if err != nil {
		fmt.Printf("REFUSED: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("OK: %s\n", found)
}
