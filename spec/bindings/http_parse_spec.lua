-- SPDX-License-Identifier: MIT
--
-- The parser of lagoon.http: what it takes, what it refuses, and that it makes no difference to it
-- in which pieces bytes come.
local core = require "lagoon.core"
local helper = require "helper"

local MAX = 65536

local function crlf(lines)
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- Parses a head that comes byte by byte: what the parser says, and how many bytes it has seen then.
local function slowly(parse, text, max)
  local scanned = 0
  for i = 1, #text do
    local results = { parse(text:sub(1, i), 1, scanned, max or MAX) }
    if results[1] ~= nil then
      return results, i
    end
    scanned = results[2]
  end
  return { nil, scanned }, #text
end

-- What the parser says, which must be the same both ways.
local function parsed(parse, text, max)
  local at_once = { parse(text, 1, 0, max or MAX) }
  local results, seen = slowly(parse, text, max)
  assert.same(at_once, results)
  if parse == core.http_request and at_once[1] then
    at_once[5] = core.http_fields(at_once[5])
  end
  return at_once, seen
end

local function refusal(text, max)
  local results, seen = parsed(core.http_request, text, max)
  assert.equal(false, results[1])
  return results[2] .. " " .. results[3], seen
end

local function refusal_of_response(text)
  local results = parsed(core.http_response, text)
  assert.equal(false, results[1])
  return results[3]
end

local function request_with(...)
  return crlf { "POST /x HTTP/1.1", "Host: a", ... }
end

describe("the parser of requests", function()
  it("tells the first line, the fields, and what follows", function()
    local text = crlf { "GET /a?b=%20 HTTP/1.1", "Host: example.org:80", "X-One: 1",
      "x-one:\t two \t", "Empty:", "Beyond: \228\246" }
    local results, seen = parsed(core.http_request, text)
    assert.same({ #text, "GET", "/a?b=%20", 1,
      { "Host", "example.org:80", "X-One", "1", "x-one", "two", "Empty", "", "Beyond", "\228\246" },
      0, true, false, false }, results)
    assert.equal(#text, seen)
  end)

  it("tells whether a target is a path as it stands", function()
    for target, is_plain in pairs { ["/a/b.c"] = true, ["/"] = true, ["/a?b"] = false,
      ["/%61"] = false, ["*"] = false, ["http://a/"] = false } do
      assert.equal(is_plain, parsed(core.http_request, crlf { "GET " .. target .. " HTTP/1.1",
        "Host: a" })[9])
    end
  end)

  it("takes fields apart when they are asked for, and nothing else", function()
    assert.same({ "A", "1", "b", "" }, core.http_fields("A: 1\r\nb:\r\n\r\n"))
    assert.same({}, core.http_fields("\r\n"))
    for _, text in ipairs { "", "\n", "A: 1", "A\r\n\r\n", " A: 1\r\n\r\n",
      "A: 1\rB: 2\r\n\r\n" } do
      assert.has_error(function()
        core.http_fields(text)
      end)
    end
  end)

  it("leaves what comes behind the head alone", function()
    local head = crlf { "GET / HTTP/1.1", "Host: a" }
    assert.equal(#head, (core.http_request(head .. "\n\r\0 anything", 1, 0, MAX)))
    assert.equal(#head, (core.http_request("before" .. head, 7, 0, MAX)))
  end)

  it("passes over one empty line before a request", function()
    local head = crlf { "GET / HTTP/1.1", "Host: a" }
    assert.equal(#head + 2, parsed(core.http_request, "\r\n" .. head)[1])
    assert.equal("400 empty first line", (refusal("\r\n\r\n" .. head)))
  end)

  it("tells how the body ends", function()
    assert.equal(0, parsed(core.http_request, request_with())[6])
    assert.equal(120, parsed(core.http_request, request_with("content-LENGTH: 120"))[6])
    assert.equal(-1, parsed(core.http_request, request_with("Transfer-Encoding: Chunked"))[6])
  end)

  it("tells whether the connection goes on", function()
    local function keeps(version, ...)
      return parsed(core.http_request, crlf { "GET / " .. version, "Host: a", ... })[7]
    end
    assert.is_true(keeps("HTTP/1.1"))
    assert.is_true(keeps("HTTP/1.7"))
    assert.is_false(keeps("HTTP/1.1", "Connection: Close"))
    assert.is_false(keeps("HTTP/1.1", "Connection: te , close"))
    assert.is_false(keeps("HTTP/1.1", "Connection: te", "connection: close"))
    assert.is_true(keeps("HTTP/1.1", "Connection: closed"))
    assert.is_false(keeps("HTTP/1.0"))
    assert.is_true(keeps("HTTP/1.0", "Connection: keep-alive"))
    assert.is_false(keeps("HTTP/1.0", "Connection: keep-alive, close"))
  end)

  it("tells who waits to be asked for a body", function()
    local function expects(...)
      return parsed(core.http_request, request_with(...))[8]
    end
    assert.is_true(expects("Expect: 100-Continue", "Content-Length: 1"))
    assert.is_false(expects("Expect: 100-continue"))
    assert.is_false(expects("Content-Length: 1"))
  end)

  local refused = {
    { "400 bare LF", "GET / HTTP/1.1\nHost: a\n\n" },
    { "400 bare LF", "GET / HTTP/1.1\r\nHost: a\n\r\n" },
    { "400 bare LF", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "400 bare CR", "GET / HTTP/1.1\rHost: a\r\r" },
    { "400 bare CR", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n" },
    { "400 bare CR", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n" },
    { "400 bare CR", "\r\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" },
    { "400 folded line", request_with("X: a", " b") },
    { "400 folded line", request_with("X: a", "\tb") },
    { "400 folded line", crlf { "GET / HTTP/1.1", " Host: a" } },
    { "400 bad field name", request_with("X : a") },
    { "400 bad field name", request_with("X\t: a") },
    { "400 bad field name", request_with("X") },
    { "400 bad field name", request_with(": a") },
    { "400 bad field name", request_with("X(: a") },
    { "400 bad field name", request_with("X\0: a") },
    { "400 bad field name", request_with("\228: a") },
    { "400 control character", request_with("X: a\0b") },
    { "400 control character", request_with("X: a\1") },
    { "400 control character", request_with("X: a\127") },
    { "400 bad method", crlf { " GET / HTTP/1.1", "Host: a" } },
    { "400 bad method", crlf { "G@T / HTTP/1.1", "Host: a" } },
    { "400 bad method", crlf { "GET", "Host: a" } },
    { "400 bad target", crlf { "GET  / HTTP/1.1", "Host: a" } },
    { "400 bad target", crlf { "GET /a\tb HTTP/1.1", "Host: a" } },
    { "400 bad method", crlf { "GET\t/ HTTP/1.1", "Host: a" } },
    { "400 bad target", crlf { "GET /a#b HTTP/1.1", "Host: a" } },
    { "400 bad target", crlf { "GET /\228 HTTP/1.1", "Host: a" } },
    { "400 bad target", crlf { "GET /", "Host: a" } },
    { "400 bad version", crlf { "GET /  HTTP/1.1", "Host: a" } },
    { "400 bad version", crlf { "GET / HTTP/1.1 ", "Host: a" } },
    { "400 bad version", crlf { "GET / http/1.1", "Host: a" } },
    { "400 bad version", crlf { "GET / HTTP/1.10", "Host: a" } },
    { "400 bad version", crlf { "GET / HTTP/1", "Host: a" } },
    { "505 version not supported", crlf { "PRI * HTTP/2.0" } },
    { "505 version not supported", crlf { "GET / HTTP/0.9", "Host: a" } },
    { "400 no Host", crlf { "GET / HTTP/1.1" } },
    { "400 more than one Host", request_with("host: a") },
    { "400 more than one Host", crlf { "GET / HTTP/1.0", "Host: a", "Host: a" } },
    { "400 bad Host", crlf { "GET / HTTP/1.1", "Host: a b" } },
    { "400 bad Host", crlf { "GET / HTTP/1.1", "Host: a/b" } },
    { "400 bad Host", crlf { "GET / HTTP/1.1", "Host: a@b" } },
    { "400 bad Host", crlf { "GET / HTTP/1.1", "Host: a, b" } },
    { "400 bad Content-Length", request_with("Content-Length: ") },
    { "400 bad Content-Length", request_with("Content-Length: +1") },
    { "400 bad Content-Length", request_with("Content-Length: -1") },
    { "400 bad Content-Length", request_with("Content-Length: 0x1") },
    { "400 bad Content-Length", request_with("Content-Length: 1 2") },
    { "400 bad Content-Length", request_with("Content-Length: 1, 1") },
    { "400 bad Content-Length", request_with("Content-Length: 99999999999999999999") },
    { "400 more than one Content-Length",
      request_with("Content-Length: 1", "Content-Length: 1") },
    { "400 more than one Content-Length",
      request_with("Content-Length: 1", "content-length: 2") },
    { "400 Content-Length and Transfer-Encoding",
      request_with("Content-Length: 1", "Transfer-Encoding: chunked") },
    { "400 Content-Length and Transfer-Encoding",
      request_with("Transfer-Encoding: chunked", "Content-Length: 0") },
    { "501 unknown Transfer-Encoding", request_with("Transfer-Encoding: gzip, chunked") },
    { "501 unknown Transfer-Encoding", request_with("Transfer-Encoding: identity") },
    { "501 unknown Transfer-Encoding", request_with("Transfer-Encoding: chunked;q=1") },
    { "501 unknown Transfer-Encoding", request_with("Transfer-Encoding: xchunked") },
    { "400 more than one Transfer-Encoding",
      request_with("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") },
    { "400 Transfer-Encoding in HTTP/1.0",
      crlf { "POST / HTTP/1.0", "Transfer-Encoding: chunked" } },
    { "417 unknown Expect", request_with("Expect: more", "Content-Length: 1") },
  }
  for i, case in ipairs(refused) do
    it(("refuses: %s (%d)"):format(case[1], i), function()
      assert.equal(case[1], (refusal(case[2])))
    end)
  end

  it("refuses the end of a line as soon as it is there", function()
    local message, seen = refusal("GET / HTTP/1.1\nHost: a\r\n\r\n")
    assert.same({ "400 bare LF", 15 }, { message, seen })
  end)

  it("takes a head of the largest size, and nothing longer", function()
    local head = request_with("X: " .. ("x"):rep(100))
    assert.equal(#head, parsed(core.http_request, head, #head)[1])
    local message, seen = refusal(head, #head - 1)
    assert.same({ "431 head too large", #head - 1 }, { message, seen })
    message, seen = refusal("GET /" .. ("x"):rep(100), 50)
    assert.same({ "414 line too long", 50 }, { message, seen })
  end)

  it("takes 128 fields and no more", function()
    local fields = {}
    for i = 1, 127 do
      fields[i] = "X: " .. i
    end
    assert.equal(256, #parsed(core.http_request, request_with(unpack(fields)))[5])
    fields[128] = "X: 128"
    assert.equal("431 too many fields", (refusal(request_with(unpack(fields)))))
  end)

  it("never takes random damage for something that it cannot say again", function()
    local random = helper.random()
    local alphabet = { "\r", "\n", "\r\n", ":", " ", "\0", "X", "," }
    local head = request_with("Content-Length: 5", "Connection: close")
    for _ = 1, helper.rounds(2000) do
      local text = head
      for _ = 1, random(3) do
        local at = random(#text)
        text = text:sub(1, at - 1) .. alphabet[random(#alphabet)] .. text:sub(at + random(0, 2))
      end
      local results = parsed(core.http_request, text)
      if results[1] then
        local lines = { ("%s %s HTTP/1.%d"):format(results[2], results[3], results[4]) }
        for i = 1, #results[5], 2 do
          lines[#lines + 1] = results[5][i] .. ": " .. results[5][i + 1]
        end
        local again = parsed(core.http_request, crlf(lines))
        again[1], results[1] = nil, nil
        assert.same(results, again)
      end
    end
  end)
end)

describe("the parser of responses", function()
  it("tells status, reason, fields and how the body ends", function()
    local text = crlf { "HTTP/1.1 200 All is well", "Content-Length: 3" }
    assert.same({ #text, 200, "All is well", 1, { "Content-Length", "3" }, 3, true },
      parsed(core.http_response, text))
    assert.same({ 404, "", 0, {}, -2, false },
      { unpack(parsed(core.http_response, crlf { "HTTP/1.0 404" }), 2) })
  end)

  it("knows responses without a body", function()
    for _, status in ipairs { 100, 204, 304 } do
      local text = crlf { ("HTTP/1.1 %d "):format(status), "Content-Length: 3" }
      assert.equal(0, parsed(core.http_response, text)[6])
    end
  end)

  it("refuses what is none", function()
    assert.equal("bad status", refusal_of_response(crlf { "HTTP/1.1 2000 x" }))
    assert.equal("bad status", refusal_of_response(crlf { "HTTP/1.1 20 x" }))
    assert.equal("bad status", refusal_of_response(crlf { "HTTP/1.1  200 x" }))
    assert.equal("bad version", refusal_of_response(crlf { "ICY 200 OK" }))
    assert.equal("control character", refusal_of_response(crlf { "HTTP/1.1 200 a\0" }))
    assert.equal("empty first line", refusal_of_response("\r\n" .. crlf { "HTTP/1.1 200 OK" }))
    assert.equal("Content-Length and Transfer-Encoding", refusal_of_response(crlf {
      "HTTP/1.1 200 OK", "Content-Length: 3", "Transfer-Encoding: chunked" }))
  end)
end)

-- Decodes a body that comes in pieces of n bytes: its data, how many bytes it took, or the message.
local function decoded(text, n)
  local chunks, data, seen = core.http_chunks(), {}, 0
  while seen < #text do
    local piece, at = text:sub(seen + 1, seen + n), 1
    repeat
      local part, next_at = core.http_chunk(chunks, piece, at)
      if part == true then
        return table.concat(data), seen + next_at - 1
      elseif part == false then
        return nil, next_at
      end
      data[#data + 1] = part
      at = next_at
    until not part
    seen = seen + #piece
  end
  return table.concat(data), nil
end

describe("the decoder of chunked bodies", function()
  it("gives the data, whatever the pieces, and stops behind the body", function()
    local body = '5\r\nhello\r\n00A;name="a;b"\t;x\r\n, chunks\r\n\r\n1 ;y\r\n!\r\n'
      .. "000;last\r\nTrailer: x\r\nY:\r\n\r\n"
    for n = 1, #body + 5 do
      local data, taken = decoded(body .. "GET /", n)
      assert.equal("hello, chunks\r\n!", data)
      assert.equal(#body, taken)
    end
  end)

  it("waits for more wherever a body breaks off", function()
    local body = "3\r\nabc\r\n0\r\nT: x\r\n\r\n"
    for i = 0, #body - 1 do
      local _, taken = decoded(body:sub(1, i), 1)
      assert.is_nil(taken)
    end
  end)

  local size, line = "bad size of a chunk", "bad line end in a chunked body"
  local trailer = "bad trailer of a chunked body"
  local control = "control character in a chunked body"
  local refused = {
    { size, "\r\n" }, { size, "g\r\n" }, { size, "0x5\r\nhello" }, { size, "-1\r\n" },
    { size, "+1\r\n" }, { size, " 5\r\n" }, { size, "5 \r\nhello" }, { size, "5\n" },
    { size, "5 6\r\n" }, { size, ("f"):rep(16) .. "\r\n" }, { size, "5, 5\r\n" },
    { line, "5\rx" }, { line, "5;a\rb\r\n" }, { line, "3\r\nabcd" }, { line, "3\r\nabc\n" },
    { line, "3\r\nabc\rx" }, { line, "0\r\n\rx" }, { line, "0\r\nT: a\rb\r\n" },
    { control, "5;a\0\r\n" }, { control, "5;a\nhello" }, { control, "0\r\nT: a\nU: b\r\n" },
    { trailer, "0\r\nT : a\r\n" }, { trailer, "0\r\n folded\r\n" }, { trailer, "0\r\n\n" },
    { trailer, "0\r\n: a\r\n" }, { trailer, "0\r\nT\r\n" },
    { "line too long in a chunked body", "5;" .. ("x"):rep(5000) },
    { "line too long in a chunked body", "0\r\n" .. ("T: x\r\n"):rep(1000) },
  }
  for i, case in ipairs(refused) do
    it(("refuses: %s (%d)"):format(case[1], i), function()
      for _, n in ipairs { 1, 2, 7, 10000 } do
        local data, message = decoded(case[2], n)
        assert.is_nil(data)
        assert.equal(case[1], message)
      end
    end)
  end
end)
