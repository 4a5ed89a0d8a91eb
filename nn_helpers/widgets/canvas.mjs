// The page's side of canvas.py: draws sheets of marks, and says what was shown, pressed and pointed at.

const INKS = {
    ink: ["--jp-ui-font-color1", "#222222"], faint: ["--jp-ui-font-color2", "#767676"],
    grid: ["--jp-border-color2", "#dddddd"], paper: ["--jp-layout-color0", "#ffffff"],
};
const NEAR = 6; // pixels from a wire at which its number is told
const SAYS_EVERY = 5000; // milliseconds between two sentences for screen readers
const SHOWN_EVERY = 1000; // milliseconds between two messages of what was shown: Lab redraws its toolbar twice for each

export function numbers(data, bytes = false) { // what came as a DataView may begin anywhere
    if (!data?.buffer) return bytes ? new Uint8Array() : new Float32Array();
    const copy = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    return bytes ? new Uint8Array(copy) : new Float32Array(copy);
}

export function unpacked(mark, data) {
    return mark.kind === "texts" || mark.kind === "spot" ? data : numbers(data, mark.kind === "images");
}

export function reader(all) { // of data in their order: each is as it came, or so many bytes of one buffer
    let start = all?.byteOffset;
    return data => {
        if (typeof data !== "number") return data;
        start += data;
        return new DataView(all.buffer, start - data, data);
    };
}

export function pixels({size: [h, w], palette}, values) { // RGBA of all images, one below the other
    const channels = palette ? 1 : 3, count = values.length / channels, found = new Uint8ClampedArray(4 * count);
    for (let i = 0; i < count; i++) {
        for (let c = 0; c < 3; c++) found[4 * i + c] = palette ? palette[3 * values[i] + c] : values[3 * i + c];
        found[4 * i + 3] = 255;
    }
    return {found, width: w, height: count / w, count: count / w / h};
}

// Where a wire is after the part t of its way: a cubic curve, level at both ends.
export function along([x0, y0, x1, y1], t) {
    return [x0 + (1.5 * t - 1.5 * t * t + t * t * t) * (x1 - x0), y0 + (3 - 2 * t) * t * t * (y1 - y0)];
}

export function nearest(ends, x, y, within = NEAR) { // the wire's number; −1 where none is near
    let best = -1;
    ends.forEach((wire, i) => {
        if (x < wire[0] || x > wire[2]) return;
        for (let t = 0; t <= 1; t += 1 / 32) {
            const [px, py] = along(wire, t), distance = Math.hypot(px - x, py - y);
            if (distance < within) [best, within] = [i, distance];
        }
    });
    return best;
}

export function next(boxes, from, key) { // the spot that an arrow key leads to, by its number
    const axis = key === "ArrowLeft" || key === "ArrowRight" ? 0 : 1;
    const way = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
    const middle = box => [box[0] + box[2] / 2, box[1] + box[3] / 2], here = middle(boxes[from]);
    let best = from, least = Infinity;
    boxes.forEach((box, i) => {
        const there = middle(box), ahead = way * (there[axis] - here[axis]);
        const cost = ahead + 3 * Math.abs(there[1 - axis] - here[1 - axis]);
        if (ahead > 1 && cost < least) [best, least] = [i, cost];
    });
    return best;
}

export function until(xy, at) { // a path as far as it has come after so many of its steps, between two points too
    const last = xy.length / 2 - 1, k = Math.max(0, Math.min(last, Math.floor(at))), part = Math.max(0, at - k);
    const found = xy.slice(0, 2 * (k < last && part ? k + 2 : k + 1));
    if (k < last && part)
        for (const i of [2 * k + 2, 2 * k + 3]) found[i] = xy[i - 2] + part * (xy[i] - xy[i - 2]);
    return found;
}

export const readable = value => Number(value.toPrecision(3)).toString().replace("-", "−");

const draw = {
    texts(c, mark, texts, ink) {
        c.font = `${mark.bold ? "bold " : ""}${mark.size}px system-ui, sans-serif`;
        c.textAlign = mark.align;
        c.textBaseline = "middle";
        c.fillStyle = ink;
        for (const [x, y, words] of texts) {
            c.save();
            c.translate(x, y);
            if (mark.turned) c.rotate(-Math.PI / 2);
            c.fillText(words, 0, 0);
            c.restore();
        }
    },
    line(c, mark, xy, ink) {
        c.strokeStyle = ink;
        c.lineWidth = mark.width;
        c.setLineDash(mark.dash);
        c.beginPath();
        let pen = "moveTo";
        for (let i = 0; i < xy.length; i += 2) {
            const there = xy[i] === xy[i] && xy[i + 1] === xy[i + 1]; // neither is NaN
            if (there) c[pen](xy[i], xy[i + 1]);
            pen = there ? "lineTo" : "moveTo";
        }
        c.stroke();
    },
    points(c, mark, xy, ink) {
        c.fillStyle = ink;
        c.strokeStyle = "white";
        c.lineWidth = 0.8;
        const s = mark.size;
        for (let i = 0; i < xy.length; i += 2) {
            const x = xy[i], y = xy[i + 1];
            c.beginPath();
            if (mark.shape % 4 === 0) c.arc(x, y, 0.85 * s, 0, 7);
            if (mark.shape % 4 === 1) c.moveTo(x, y - s), c.lineTo(x + s, y + 0.8 * s), c.lineTo(x - s, y + 0.8 * s);
            if (mark.shape % 4 === 2) c.rect(x - 0.8 * s, y - 0.8 * s, 1.6 * s, 1.6 * s);
            if (mark.shape % 4 === 3) c.moveTo(x, y - s), c.lineTo(x + s, y), c.lineTo(x, y + s), c.lineTo(x - s, y);
            c.closePath();
            c.fill();
            c.stroke();
        }
    },
    rects(c, mark, boxes, ink) {
        c.fillStyle = c.strokeStyle = ink;
        c.lineWidth = mark.stroke;
        for (let i = 0; i < boxes.length; i += 4)
            c[mark.stroke ? "strokeRect" : "fillRect"](...boxes.subarray(i, i + 4));
    },
    images(c, mark, values) {
        if (!values.length) return;
        const {found, width, height} = pixels(mark, values), h = mark.size[0];
        mark.store ??= document.createElement("canvas");
        if (mark.store.width !== width || mark.store.height !== height)
            Object.assign(mark.store, {width, height});
        mark.store.getContext("2d").putImageData(new ImageData(found, width, height), 0, 0);
        c.imageSmoothingEnabled = mark.smooth;
        mark.boxes.forEach((box, i) => c.drawImage(mark.store, 0, i * h, width, h, ...box));
    },
    wires(c, mark, values) {
        const largest = values.at(-1) || 1;
        mark.ends.forEach(([x0, y0, x1, y1], i) => {
            const size = Math.abs(values[i]) / largest || 0, middle = (x0 + x1) / 2;
            c.globalAlpha = Math.min(1, 0.25 + size);
            c.lineWidth = mark.widest * Math.min(1, Math.max(0.05, size));
            c.strokeStyle = mark.colours[values[i] < 0 ? 1 : 0];
            c.setLineDash(values[i] < 0 ? [6, 3] : []);
            c.beginPath();
            c.moveTo(x0, y0);
            c.bezierCurveTo(middle, y0, middle, y1, x1, y1);
            c.stroke();
        });
    },
};

class Sheet {
    constructor(page, number) {
        this.page = page;
        this.number = number;
        this.box = document.createElement("div");
        this.canvas = document.createElement("canvas");
        this.canvas.setAttribute("role", "img");
        this.box.className = "nn-sheet";
        this.box.append(this.canvas);
        this.spots = [];
        this.box.addEventListener("pointermove", event => this.hover(event));
        this.box.addEventListener("pointerleave", () => page.tell(""));
        this.box.addEventListener("keydown", event => this.key(event));
        for (const phase of ["down", "move", "up"])
            this.canvas.addEventListener(`pointer${phase}`, event => this.point(phase, event));
    }

    take(scene) {
        Object.assign(this, scene, {sharp: globalThis.devicePixelRatio || 1});
        this.marks = scene.marks.map(mark => ({...mark, data: unpacked(mark, mark.data)}));
        this.canvas.setAttribute("aria-label", scene.label);
        Object.assign(this.canvas, {width: scene.width * this.sharp, height: scene.height * this.sharp});
        this.box.style.cssText = `width: ${scene.width}px; aspect-ratio: ${scene.width} / ${scene.height}`;
        this.canvas.style.touchAction = scene.pointer ? "none" : "";
        const spots = this.marks.filter(mark => mark.kind === "spot");
        const held = this.spots.find(spot => spot === document.activeElement)?.mark.id; // it keeps the focus
        while (this.spots.length > spots.length) this.spots.pop().remove();
        while (this.spots.length < spots.length) this.spots.push(this.spot());
        const groups = new Set();
        spots.forEach((mark, i) => {
            const it = this.spots[i], [x, y, w, h] = mark.box;
            const share = (part, whole) => `${100 * part / whole}%`;
            Object.assign(it.style, {
                left: share(x, scene.width), top: share(y, scene.height), width: share(w, scene.width),
                height: share(h, scene.height),
            });
            Object.assign(it, {mark, tabIndex: mark.group && groups.has(mark.group) ? -1 : 0});
            mark.element = it;
            groups.add(mark.group);
        });
        const it = this.spots.find(spot => spot.mark.id === held);
        if (it) this.go(it);
    }

    go(there) {
        for (const spot of this.spots)
            if (there.mark.group && spot.mark.group === there.mark.group) spot.tabIndex = spot === there ? 0 : -1;
        there.focus();
    }

    spot() {
        const it = document.createElement("button");
        const say = event => this.page.send({event, spot: it.mark.id});
        it.addEventListener("click", () => say("press"));
        for (const event of ["pointerenter", "focus"]) it.addEventListener(event, () => say("enter"));
        for (const event of ["pointerleave", "blur"]) it.addEventListener(event, () => say("leave"));
        this.box.append(it);
        return it;
    }

    key(event) {
        if (event.key === "Escape") this.page.tell("");
        const it = event.target, group = this.spots.filter(spot => spot.mark.group === it.mark?.group);
        if (!it.mark?.group || !event.key.startsWith("Arrow")) return;
        const there = group[next(group.map(spot => spot.mark.box), group.indexOf(it), event.key)];
        this.go(there);
        event.preventDefault();
        event.stopPropagation();
    }

    place(event) {
        const box = this.box.getBoundingClientRect(), scale = this.width / box.width;
        return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    }

    point(phase, event) {
        if (!this.pointer || (phase === "move" && !event.buttons)) return;
        if (phase === "down") this.canvas.setPointerCapture(event.pointerId);
        const [x, y] = this.place(event);
        this.page.point({event: "pointer", phase, sheet: this.number, x, y});
    }

    hover(event) {
        const spot = event.target.mark, [x, y] = this.place(event);
        let words = spot ? spot.data : "";
        for (const mark of spot ? [] : this.marks.filter(each => each.kind === "wires")) {
            const i = nearest(mark.ends, x, y);
            if (i >= 0) words = `${mark.names[i]} = ${readable(mark.data[i])}`;
        }
        this.page.tell(words, event);
    }

    show(inks) {
        const c = this.canvas.getContext("2d");
        c.setTransform(this.sharp, 0, 0, this.sharp, 0, 0);
        c.clearRect(0, 0, this.width, this.height);
        for (const mark of this.marks) {
            const it = mark.element;
            if (it && it.getAttribute("aria-label") !== mark.data) {
                it.setAttribute("aria-label", mark.data);
                if (it.matches(":hover") && !this.page.tip.hidden) this.page.tip.textContent = mark.data;
            }
            c.globalAlpha = mark.alpha ?? 1;
            c.setLineDash([]);
            let data = mark.data;
            if (mark.clocked) data = until(data, this.page.time);
            if (mark.clocked && mark.kind === "points") data = data.slice(-2);
            draw[mark.kind]?.(c, mark, data, inks[mark.colour] ?? mark.colour);
        }
    }
}

class Page {
    constructor(model, root) {
        Object.assign(this, {model, root, sheets: [], said: -SAYS_EVERY});
        root.classList.add("nn-canvas");
        [this.tip, this.live] = ["nn-tip", "nn-live"].map(name => {
            const it = document.createElement("div");
            it.className = name;
            return it;
        });
        this.tip.hidden = true;
        this.live.setAttribute("role", "status");
        this.themes = new MutationObserver(() => this.later());
        this.themes.observe(document.body, {attributes: true});
        for (const [event, act] of [["change:_scene", () => this.build()], ["change:_frame", () => this.take()],
            ["change:_clock", () => this.wind()]])
            model.on(event, act);
        this.build();
        if (this.take() !== model.get("_scene")?.[2]) this.send({begins: true}); // seen anew, or elsewhere too
        this.wind();
    }

    wind() {
        [this.time, this.speed, this.end] = this.model.get("_clock") ?? [0, 0, 0];
        this.ticked = performance.now();
        this.later();
    }

    tick() { // on with the clock, by as much as has gone by since the last picture
        const now = performance.now();
        this.time = Math.min(this.end, this.time + this.speed * (now - this.ticked) / 1000);
        this.ticked = now;
        if (this.time < this.end) this.later();
    }

    build() {
        const [sheets, all] = this.model.get("_scene") ?? ["[]"], scene = JSON.parse(sheets), read = reader(all);
        for (const mark of scene.flatMap(sheet => sheet.marks)) mark.data = read(mark.data);
        while (this.sheets.length < scene.length) this.sheets.push(new Sheet(this, this.sheets.length));
        this.sheets.length = scene.length;
        scene.forEach((each, i) => this.sheets[i].take(each));
        const boxes = this.sheets.map(sheet => sheet.box);
        if (boxes.some((box, i) => this.root.children[i] !== box))
            this.root.replaceChildren(...boxes, this.tip, this.live);
        this.later();
    }

    take() { // every frame, also one that is never drawn: it has what is new in it
        const [sent, fresh, words, all] = this.model.get("_frame") ?? [0, "[]", ""], read = reader(all);
        for (const [i, j, data] of JSON.parse(fresh)) {
            const mark = this.sheets[i]?.marks[j], there = read(data);
            if (mark) mark.data = unpacked(mark, there);
        }
        Object.assign(this, {sent, words});
        this.later();
        return sent;
    }

    later() { // of frames that come faster than the screen can show them, the last one counts
        this.asked ??= requestAnimationFrame(() => {
            this.asked = null;
            this.show();
        });
    }

    show() {
        const style = getComputedStyle(this.root), inks = {};
        for (const [name, [variable, value]] of Object.entries(INKS))
            inks[name] = style.getPropertyValue(variable).trim() || value;
        if (this.speed) this.tick();
        for (const sheet of this.sheets) sheet.show(inks);
        const panel = this.root.closest(".nn-panel");
        if (!panel && !this.root.isConnected) this.later(); // drawn before it was put into its panel
        panel?.classList.add("nn-alive");
        nameSliders(panel);
        this.speak(this.words);
        if (this.sent === this.number) return;
        this.root.dataset.frame = this.number = this.sent; // for whoever watches the page
        this.came = performance.now();
        this.tells ??= setTimeout(() => {
            this.tells = null;
            this.send({shown: this.number, ago: (performance.now() - this.came) / 1000});
        }, SHOWN_EVERY);
    }

    speak(words) { // at most so often; the last sentence is always said
        const left = this.said + SAYS_EVERY - performance.now();
        clearTimeout(this.waits);
        if (!words || words === this.live.textContent) return;
        if (left > 0) this.waits = setTimeout(() => this.speak(words), left);
        else [this.live.textContent, this.said] = [words, performance.now()];
    }

    send(message) {
        try {
            this.model.send(message);
        } catch {
            // the kernel has gone meanwhile
        }
    }

    point(message) { // moves that come faster than the screen can show them: the last one counts
        if (message.phase !== "move") return this.send(message);
        const waits = this.moved;
        this.moved = message;
        if (!waits)
            requestAnimationFrame(() => {
                if (this.moved) this.send(this.moved);
                this.moved = null;
            });
    }

    tell(words, event) {
        this.tip.hidden = !words;
        this.tip.textContent = words;
        if (!words) return;
        const box = this.root.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
        this.tip.style.cssText = `left: ${Math.min(x + 12, box.width - 180)}px; top: ${y + 16}px`;
    }
}

function nameSliders(panel) { // ipywidgets' own have labels only for the eye
    for (const box of panel?.querySelectorAll(".widget-slider:not([data-named])") ?? []) {
        const words = box.querySelector(".widget-label")?.textContent;
        for (const it of box.querySelectorAll(".noUi-handle, .widget-readout")) it.setAttribute("aria-label", words);
        box.querySelector(".widget-readout")?.setAttribute("role", "textbox");
        box.dataset.named = "";
    }
}

function listen() { // once, however many canvases there are
    document.addEventListener("click", event => {
        if (!event.target.matches?.(".nn-copy")) return;
        event.target.closest(".widget-vbox").querySelector("textarea").select();
        document.execCommand("copy");
        event.target.textContent = "Copied";
    });
    // In Notebook 7, arrow keys would go from cell to cell instead of moving the control that they are pressed on.
    addEventListener("keydown", event => {
        if (event.target.matches?.(".nn-panel :is(.noUi-handle, select, .nn-sheet button)"))
            event.target.toggleAttribute("data-lm-suppress-shortcuts", event.key.startsWith("Arrow"));
    }, true);
    return true;
}

export function render({model, el}) {
    globalThis.nnListens ??= listen();
    const page = new Page(model, el);
    return () => {
        page.themes.disconnect();
        clearTimeout(page.tells);
        page.later = () => {};
        page.model.off(null, null);
    };
}

export default {render};
