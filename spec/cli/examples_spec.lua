-- SPDX-License-Identifier: MIT
--
-- The examples that use all cores: each does what it says, and the same whatever LAGOON_PROCS is.
local helper = require "helper"

-- What an example prints, which must not depend on how many Ps there are.
local function output_of(words, status, cut)
  local first
  for _, procs in ipairs { 1, 2, 4 } do
    local child = helper.lagoon(words, { env = { LAGOON_PROCS = procs } })
    assert.equal(status or 0, child.status, child.err)
    local out = cut and child.out:gsub(cut, "") or child.out
    first = first or { out = out, err = child.err }
    assert.equal(first.out, out)
    assert.equal(first.err, child.err)
  end
  return first.out, first.err
end

describe("the example wordcount", function()
  local TIMES = "\n  [^\n]* ms, [^\n]*\n$"

  it("counts the words of a tree", function()
    local inner = helper.path("words/inner")
    os.execute("mkdir -p " .. inner)
    for i = 1, 20 do
      helper.file("words/" .. i, ("ebb and flood, "):rep(i) .. ("ebb's\n"))
    end
    helper.file("words/inner/binary", "ebb\0ebb")
    helper.file("words/inner/deep", "Flood flood")
    local out = output_of({ "examples/wordcount/main.lua", helper.path("words") }, 0, TIMES)
    assert.matches("files +21   %(1 binary left out%)\n", out)
    assert.matches("words +652\n", out)
    assert.matches("distinct +4\n", out)
    assert.matches(" 1  flood +212 ", out)
    assert.matches(" 2  and +210 ", out)
    assert.matches(" 4  ebb's +20 ", out)
  end)

  it("names what it cannot read, and fails", function()
    local child = helper.lagoon { "examples/wordcount/main.lua", helper.path("nothing") }
    assert.equal(1, child.status)
    assert.matches("^wordcount: [^\n]*nothing: No such file", child.err)
  end)

  it("has as many counters as it is told", function()
    local path = helper.file("one word", "word")
    local child = helper.lagoon { "examples/wordcount/main.lua", path, 30 }
    assert.equal(0, child.status, child.err)
    assert.matches("30 counters shared the files: [01 +]+%.%.%.\n$", child.out)
  end)
end)

describe("the example entities", function()
  it("plays until all guards are gone, with a pause", function()
    local out = output_of { "examples/entities.lua", 3 }
    assert.equal("paused, and on\nguard 1 is gone\nguard 2 is gone\nguard 3 is gone\n"
      .. "3 guards, all gone\n", out)
  end)
end)

describe("the example commands", function()
  it("runs commands side by side, and tells how each has ended", function()
    -- Each waits for the other one.
    local here, there = helper.path("here.fifo"), helper.path("there.fifo")
    os.execute(("rm -f %s %s; mkfifo %s %s"):format(here, there, here, there))
    local child = helper.lagoon({ "examples/commands.lua",
      ("echo ping > %s; cat %s"):format(here, there),
      ("cat %s; echo pong > %s; exit 3"):format(here, there) }, { env = { LAGOON_PROCS = 1 } })
    assert.equal(0, child.status, child.err)
    assert.matches(": 0\npong\n", child.out)
    assert.matches(": 3\nping\n", child.out)
    assert.matches("^2 commands, %d+ ticks meanwhile\n$", child.err)
  end)
end)

describe("the example checksum", function()
  it("knows the checksum of what has a known one, in order", function()
    local words = { "examples/checksum.lua", helper.file("check", "123456789"),
      helper.file("empty", ""), helper.file("long", ("lagoon"):rep(50000)) }
    for i = 1, 20 do
      words[4 + i] = words[2]
    end
    local out = output_of(words)
    assert.matches("^cbf43926          9  [^\n]*/check\n00000000          0  [^\n]*/empty\n"
      .. "a64cb479     300000  [^\n]*/long\n", out)
    assert.equal(23, select(2, out:gsub("\n", "")))
  end)

  it("names a file that it cannot read, does the others, and fails", function()
    local out, err = output_of({ "examples/checksum.lua", helper.path("nothing"),
      helper.file("check", "123456789") }, 1)
    assert.matches("^cbf43926 [^\n]*/check\n$", out)
    assert.matches("^checksum: [^\n]*nothing: No such file[^\n]*\n$", err)
  end)
end)

describe("the example mandelbrot", function()
  it("makes a picture", function()
    local out, err = output_of { "examples/mandelbrot.lua", 70, 41, "-" }
    assert.equal("", err)
    local head = "P6\n70 41\n255\n"
    assert.equal(head, out:sub(1, #head))
    assert.equal(#head + 3 * 70 * 41, #out)
    -- the middle row: outside on the left, inside around zero
    local row = #head + 3 * 70 * 20
    assert.equal("\0\8\64", out:sub(row + 1, row + 3))
    assert.equal("\0\0\0", out:sub(row + 3 * 52 + 1, row + 3 * 53))
    -- what is above is below
    for i = 0, 40 do
      local from, mirrored = #head + 210 * i, #head + 210 * (40 - i)
      assert.equal(out:sub(from + 1, from + 210), out:sub(mirrored + 1, mirrored + 210))
    end
  end)

  it("writes a file", function()
    local path = helper.path("picture.ppm")
    local child = helper.lagoon { "examples/mandelbrot.lua", 9, 7, path }
    assert.equal(path .. ": 9 x 7 pixels\n", child.out)
    local file = io.open(path, "rb")
    assert.equal(11 + 3 * 9 * 7, file:seek("end"))
    file:close()
  end)

  it("refuses a size that is none", function()
    local child = helper.lagoon { "examples/mandelbrot.lua", "0.5" }
    assert.equal(1, child.status)
    assert.equal("mandelbrot: a size must be 1 to 65536, not '0.5'\n", child.err)
  end)
end)

describe("the example pipeline", function()
  it("reports what went through three stages", function()
    local out, err = output_of { "examples/pipeline.lua", 3003 }
    assert.equal("", err)
    local sum = 0
    for n in out:gmatch "\n/%S* +(%d+)" do
      sum = sum + n
    end
    assert.equal(3003, sum)
    assert.matches("\n3003 requests of 250 clients\n$", out)
  end)
end)

describe("the example spectral_norm", function()
  it("has the same result on one core and on all", function()
    local out, err = output_of({ "examples/spectral_norm.lua", 100 }, 0, "\n[^\n]* ms with %d+\n$")
    assert.equal("", err)
    assert.equal("one core:  1.274219991\nall cores: 1.274219991\n"
      .. "the same to the last bit: true", out)
  end)
end)

describe("the example hello_http", function()
  it("greets twenty visitors, ten times each", function()
    local out, err = output_of { "examples/hello_http.lua", "--try" }
    assert.equal("", err)
    assert.equal("200 greetings\n", out)
  end)
end)

describe("the example echo", function()
  it("hears what it says, over a hundred connections", function()
    local out, err = output_of { "examples/echo.lua", "--try" }
    assert.equal("", err)
    assert.equal("2000 lines over 100 connections\n", out)
  end)
end)

describe("the example tail", function()
  it("follows files side by side, while they grow", function()
    local one, two = helper.file("one.log", "begun "), helper.file("two.log", "there\n")
    local command = ("$B examples/tail.lua -a -n 5 '%s' '%s' & "):format(one, two)
      .. ("echo ended >> '%s'; for i in 1 2 3; do sleep 0.02; echo $i >> '%s'; done; wait $!")
        :format(one, two)
    local child = helper.child({ "bash", "-c", command }, { env = { B = helper.program } })
    assert.equal("", child.err)
    assert.equal(0, child.status)
    local lines = {}
    for name, line in child.out:gmatch("/(%a+)%.log: ([^\n]*)\n") do
      lines[name] = (lines[name] or "") .. line .. ","
    end
    assert.same({ one = "begun ended,", two = "there,1,2,3," }, lines)
  end)

  it("goes on without a file that is not there, and fails in the end", function()
    local child = helper.lagoon { "examples/tail.lua", "-a", "-n", 1, helper.path("nothing"),
      helper.file("there.log", "a line\n") }
    assert.equal(1, child.status)
    assert.matches("^tail: [^\n]*nothing: no such file or directory\n$", child.err)
    assert.matches("there.log: a line\n$", child.out)
  end)
end)

describe("the example chat", function()
  it("lets everybody hear what anybody says", function()
    local out, err = output_of { "examples/chat.lua", "--try" }
    assert.equal("", err)
    assert.equal("4 visitors have heard 80 lines\n", out)
  end)
end)

describe("the example crawler", function()
  it("finds every page, and every one that is not there", function()
    local out, err = output_of { "examples/crawler.lua", 50 }
    assert.equal("", err)
    assert.matches("^ +50 x 200\n +%d+ x 404\n$", out)
  end)
end)

describe("the example reverse_proxy", function()
  it("passes requests on to the servers that answer", function()
    local out, err = output_of { "examples/reverse_proxy.lua", "--try" }
    assert.equal("", err)
    assert.equal("30 answers, of two servers\n", out)
  end)
end)
