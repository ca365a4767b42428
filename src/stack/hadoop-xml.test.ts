import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderHadoopXml } from './hadoop-xml.ts';

test('what XML reserves is escaped', () => {
  const text = renderHadoopXml({ 'a<b': '1 & 2 > 0', flag: true, count: 20_000 });
  assert.equal(
    text,
    '<?xml version="1.0" encoding="UTF-8"?>\n<configuration>\n' +
      '  <property><name>a&lt;b</name><value>1 &amp; 2 &gt; 0</value></property>\n' +
      '  <property><name>flag</name><value>true</value></property>\n' +
      '  <property><name>count</name><value>20000</value></property>\n</configuration>\n',
  );
});
