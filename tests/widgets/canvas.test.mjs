// The parts of canvas.mjs that need no page: `node --test`, as test_canvas.py calls it.
import assert from "node:assert/strict";
import test from "node:test";

import {along, nearest, next, numbers, pixels, readable, reader, unpacked, until} from "../../nn_helpers/widgets/canvas.mjs";

test("numbers are read from a view that begins anywhere", () => {
    const bytes = new Uint8Array(1 + 8);
    bytes.set(new Uint8Array(new Float32Array([1.5, -2]).buffer), 1);
    const view = new DataView(bytes.buffer, 1, 8);
    assert.deepEqual([...numbers(view)], [1.5, -2]);
    assert.equal(numbers(view, true).length, 8);
    assert.equal(numbers(undefined).length, 0);
});

test("texts and the words of spots come as they are, images as bytes, all else as float32", () => {
    const view = new DataView(new Float32Array([3]).buffer);
    assert.deepEqual(unpacked({kind: "texts"}, [[1, 2, "a"]]), [[1, 2, "a"]]);
    assert.equal(unpacked({kind: "images"}, view).length, 4);
    assert.deepEqual([...unpacked({kind: "line"}, view)], [3]);
});

test("arrays are cut from one buffer in their order, wherever it begins; words come as they are", () => {
    const bytes = new Uint8Array([9, 1, 2, 3]), read = reader(new DataView(bytes.buffer, 1, 3));
    assert.deepEqual([read(1), read("a place"), read(0), read(2)].map(it => it.byteLength ?? it), [1, "a place", 0, 2]);
    assert.deepEqual([...numbers(read(0), true)], []);
    const again = reader(new DataView(bytes.buffer, 1, 3));
    again(1);
    assert.deepEqual([...numbers(again(2), true)], [2, 3]);
    assert.equal(reader(undefined)("words"), "words"); // where nothing is drawn yet
});

test("an image is its palette's colours, or its own", () => {
    const {found, width, height, count} = pixels({size: [1, 2], palette: [0, 0, 0, 255, 128, 1]}, [1, 0, 0, 0]);
    assert.deepEqual([width, height, count], [2, 2, 2]);
    assert.deepEqual([...found.slice(0, 8)], [255, 128, 1, 255, 0, 0, 0, 255]);
    assert.deepEqual([...pixels({size: [1, 1], palette: null}, [7, 8, 9]).found], [7, 8, 9, 255]);
});

test("the wire under the mouse is the nearest one, and none where none is near", () => {
    const ends = [[0, 0, 100, 0], [0, 50, 100, 50], [0, 0, 100, 50]];
    assert.equal(nearest(ends, 50, 1), 0);
    assert.equal(nearest(ends, 50, 48), 1);
    assert.equal(nearest(ends, 50, 25), 2);
    assert.equal(nearest(ends, 20, 30), -1);
    assert.equal(nearest(ends, 101, 0), -1);
    assert.deepEqual(along(ends[2], 0), [0, 0]);
    assert.deepEqual(along(ends[2], 1), [100, 50]);
});

test("an arrow key leads to the next spot in its direction, and stays at the end", () => {
    const boxes = [[0, 0, 10, 10], [0, 20, 10, 10], [50, 0, 10, 10], [50, 20, 10, 10]];
    assert.equal(next(boxes, 0, "ArrowDown"), 1);
    assert.equal(next(boxes, 0, "ArrowRight"), 2);
    assert.equal(next(boxes, 3, "ArrowLeft"), 1);
    assert.equal(next(boxes, 3, "ArrowUp"), 2);
    assert.equal(next(boxes, 3, "ArrowRight"), 3);
});

test("a number is written with three digits and a minus sign", () => {
    assert.equal(readable(-0.123456), "−0.123");
    assert.equal(readable(12), "12");
});

test("a path goes as far as the clock, between two points too, and ends at its end", () => {
    const xy = new Float32Array([0, 0, 10, 20, 30, 20]);
    assert.deepEqual([...until(xy, 0)], [0, 0]);
    assert.deepEqual([...until(xy, 0.5)], [0, 0, 5, 10]);
    assert.deepEqual([...until(xy, 1)], [0, 0, 10, 20]);
    assert.deepEqual([...until(xy, 1.25)], [0, 0, 10, 20, 15, 20]);
    assert.deepEqual([...until(xy, 99)], [...xy]);
    assert.equal(until(new Float32Array(), 3).length, 0);
});
