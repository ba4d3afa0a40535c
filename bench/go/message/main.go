// SPDX-License-Identifier: MIT

// What does a message to another goroutine and back cost: a number, a string of 1 KB, a table
// of ten fields, a tree of `size` nodes? Goroutines share all memory: so that both have one of
// their own, as Lua states do, each copies what it sends.
package main

import (
	"reflect"
	"strings"

	"../meter"
)

type node struct {
	value       int
	left, right *node
}

// As in a heap: below node i are 2i and 2i + 1.
func grow(i, n int) *node {
	if i > n {
		return nil
	}
	return &node{i, grow(2*i, n), grow(2*i+1, n)}
}

func copyOf(message any) any {
	switch m := message.(type) {
	case string:
		return strings.Clone(m)
	case map[string]any:
		out := make(map[string]any, len(m))
		for key, value := range m {
			out[key] = copyOf(value)
		}
		return out
	case *node:
		return m.copy()
	}
	return message
}

func (n *node) copy() *node {
	if n == nil {
		return nil
	}
	return &node{n.value, n.left.copy(), n.right.copy()}
}

func echo(there, back chan any) {
	for message := range there {
		back <- copyOf(message)
	}
}

func ask(name string, message any, ops int) {
	meter.Run(name, meter.Ops(ops, 1), 1, func(ops int) {
		there, back := make(chan any), make(chan any)
		go echo(there, back)
		var returned any
		for i := 0; i < ops; i++ {
			there <- copyOf(message)
			returned = <-back
		}
		close(there)
		meter.Check(reflect.DeepEqual(message, returned), "the echo is wrong")
	})
}

func main() {
	size := meter.Size(10000)
	ask("message", 4711.0, 200000)
	ask("message.string", strings.Repeat("lagoon..", 128), 100000)
	ask("message.table", map[string]any{
		"id": 4711.0, "name": "Ada", "x": 1.5, "y": -2.25, "z": 0.0, "born": 1815.0,
		"is_known": true, "from": "London", "to": "Turin", "weight": 12.5,
	}, 50000)
	ask("message.tree", grow(1, size), 40)
}
