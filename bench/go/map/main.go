// SPDX-License-Identifier: MIT

// What do a look-up, a store under a key that is there, an addition by compare and swap,
// and a key's coming and going cost in a concurrent map, when `size` goroutines do that at
// once? Each has 1024 keys of 8 bytes of its own; the look-ups are among the keys of all.
package main

import (
	"sync"

	"../meter"
)

const keys = 1024

type worker struct {
	m        *sync.Map
	number   int
	nworkers int
	times    int
}

// Since Go 1.20.
type swapper interface {
	CompareAndSwap(key, old, new any) bool
}

// Keys as a program has them: numbers that are near each other.
func keyOf(w *worker, i int) uint64 { return uint64(w.number*keys + i%keys) }

func get(w *worker) {
	sum := uint64(0)
	random := meter.Random(w.number + 1)
	for i := 0; i < w.times; i++ {
		key := (random.Next() >> 32) * uint64(keys*w.nworkers) >> 32
		value, ok := w.m.Load(key)
		meter.Check(ok, "a key is gone")
		sum += value.(uint64) - key
	}
	meter.Check(sum == 0, "a wrong value")
}

func set(w *worker) {
	for i := 0; i < w.times; i++ {
		key := keyOf(w, i)
		w.m.Store(key, key)
	}
}

// All add to the first key of each.
func add(w *worker) {
	m := any(w.m).(swapper)
	for i := 0; i < w.times; i++ {
		key := uint64(keys * (i % w.nworkers))
		for {
			old, _ := w.m.Load(key)
			if m.CompareAndSwap(key, old, old.(uint64)+1) {
				break
			}
		}
	}
}

func putAndTake(w *worker) {
	for i := 0; i < w.times; i++ {
		key := ^keyOf(w, i)
		_, found := w.m.LoadOrStore(key, key)
		meter.Check(!found, "a key is there")
		_, found = w.m.LoadAndDelete(key)
		meter.Check(found, "a key is gone")
	}
}

func filled(nworkers int) *sync.Map {
	m := new(sync.Map)
	for key := uint64(0); key < uint64(keys*nworkers); key++ {
		_, found := m.LoadOrStore(key, key)
		meter.Check(!found, "a key comes twice")
	}
	return m
}

func ask(name string, work func(w *worker), ops, size int) {
	meter.Run(name, meter.Ops(ops, size), size, func(ops int) {
		m := filled(size)
		var done sync.WaitGroup
		done.Add(size)
		for i := 0; i < size; i++ {
			go func(w worker) {
				work(&w)
				done.Done()
			}(worker{m, i, size, ops / size})
		}
		done.Wait()
	})
}

func main() {
	size := meter.Size(1)
	ask("map", get, 5000000, size)
	ask("map.set", set, 5000000, size)
	if _, ok := any(new(sync.Map)).(swapper); ok {
		ask("map.add", add, 1000000, size)
	}
	ask("map.new", putAndTake, 1000000, size)
}
