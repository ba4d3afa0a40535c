// SPDX-License-Identifier: MIT

// What does an object of `size` bytes cost that is collected, when a thousand of them are
// alive? Asked for objects without references, and with one that stays empty.
package main

import "../meter"

const window = 1024

type plain16 struct {
	values [2]int
}

func plainBody16(ops int) {
	var objects [window]*plain16
	for i := 0; i < ops; i++ {
		object := new(plain16)
		object.values[1] = i
		objects[i%window] = object
	}
	check(objects[(ops-1)%window].values[1] == ops-1)
}

type refs16 struct {
	ref    *int
	values [1]int
}

func refsBody16(ops int) {
	var objects [window]*refs16
	for i := 0; i < ops; i++ {
		object := new(refs16)
		object.values[0] = i
		objects[i%window] = object
	}
	check(objects[(ops-1)%window].values[0] == ops-1)
}

type plain64 struct {
	values [8]int
}

func plainBody64(ops int) {
	var objects [window]*plain64
	for i := 0; i < ops; i++ {
		object := new(plain64)
		object.values[7] = i
		objects[i%window] = object
	}
	check(objects[(ops-1)%window].values[7] == ops-1)
}

type refs64 struct {
	ref    *int
	values [7]int
}

func refsBody64(ops int) {
	var objects [window]*refs64
	for i := 0; i < ops; i++ {
		object := new(refs64)
		object.values[6] = i
		objects[i%window] = object
	}
	check(objects[(ops-1)%window].values[6] == ops-1)
}

type plain256 struct {
	values [32]int
}

func plainBody256(ops int) {
	var objects [window]*plain256
	for i := 0; i < ops; i++ {
		object := new(plain256)
		object.values[31] = i
		objects[i%window] = object
	}
	check(objects[(ops-1)%window].values[31] == ops-1)
}

type refs256 struct {
	ref    *int
	values [31]int
}

func refsBody256(ops int) {
	var objects [window]*refs256
	for i := 0; i < ops; i++ {
		object := new(refs256)
		object.values[30] = i
		objects[i%window] = object
	}
	check(objects[(ops-1)%window].values[30] == ops-1)
}

func check(ok bool) { meter.Check(ok, "two objects overlap") }

func main() {
	size := meter.Size(64)
	bodies := map[int][2]func(ops int){
		16:  {plainBody16, refsBody16},
		64:  {plainBody64, refsBody64},
		256: {plainBody256, refsBody256},
	}
	body, ok := bodies[size]
	meter.Check(ok, "the size must be 16, 64 or 256")
	meter.Run("new", meter.Ops(5000000, window), window, body[0])
	meter.Run("new.refs", meter.Ops(5000000, window), window, body[1])
}
