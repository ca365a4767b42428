import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { completeLinks, rewriteLocation, sparkContentPolicy } from './spark-page.ts';

function complete(pieces: readonly string[]): Promise<string> {
  return text(Readable.from(pieces.map((piece) => Buffer.from(piece))).pipe(completeLinks('/spark/master')));
}

test('links that forget where they stand are completed, all others stay', async () => {
  const page = [
    '<a href="/environment/">a</a><img src=\'/static/x.svg\'>',
    '<a href="/spark/master/app/">b</a><a href="app/?appId=1">c</a><a href="//other/">d</a><a href="#x">e</a>',
    '<td data-action="/x">/environment/ ü</td><form action="/y">',
  ].join('');
  const expected = page
    .replace('"/environment/"', '"/spark/master/environment/"')
    .replace("'/static/", "'/spark/master/static/")
    .replace(' action="/y"', ' action="/spark/master/y"');
  assert.equal(await complete([page]), expected);
});

test('a page is the same whatever the pieces it arrives in', async () => {
  const page = `<p>ü</p><a href="/environment/">x</a><b>${'y'.repeat(200_000)}</b><a href="/z">ü</a>`;
  const whole = await complete([page]);
  assert.ok(whole.includes('href="/spark/master/environment/"') && whole.endsWith('<a href="/spark/master/z">ü</a>'));
  for (const size of [1, 7, 4096]) {
    const bytes = Buffer.from(page.replaceAll('y'.repeat(199_000), ''));
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, at * size + size),
    );
    const joined = await text(Readable.from(pieces).pipe(completeLinks('/spark/master')));
    assert.equal(joined, whole.replaceAll('y'.repeat(199_000), ''), `pieces of ${size}`);
  }
});

test('a redirect stays with us, or is none', () => {
  const origin = 'http://10.0.0.5:4040';
  const rewrite = (location: string) => rewriteLocation(location, origin, '/x/', '/spark/driver/app');
  assert.equal(rewrite(`${origin}/jobs/?a=b#c`), '/spark/driver/app/jobs/?a=b#c');
  assert.equal(rewrite('/jobs/'), '/spark/driver/app/jobs/');
  assert.equal(rewrite('/spark/driver/app/jobs/'), '/spark/driver/app/jobs/');
  assert.equal(rewrite('y'), '/spark/driver/app/x/y');
  for (const elsewhere of ['http://evil.example/', '//evil.example/', 'javascript:alert(1)', 'http://10.0.0.5:4041/']) {
    assert.equal(rewrite(elsewhere), null, elsewhere);
  }
});

test('pages reach nothing but /spark/, and open neither windows nor frames', () => {
  const policy = sparkContentPolicy('127.0.0.1:8080');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /connect-src 127\.0\.0\.1:8080\/spark\/;/);
  assert.doesNotMatch(policy, /'self'|allow-popups|allow-top-navigation|frame-src|worker-src/);
});

test('a host name cannot bring directives of its own', () => {
  for (const host of [undefined, 'x; script-src *', 'a b', '*', 'x/..', '']) {
    assert.match(sparkContentPolicy(host), /connect-src 'none';/, String(host));
  }
});
