import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Html, html } from '../../core/markup.ts';

const text = (content: Html): string => content.toString();

describe('a template of HTML', () => {
  it('takes every value as text, in content and in attributes', () => {
    const hostile = `<script>alert("1")</script> & 'quoted'`;
    const escaped = '&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;quoted&#39;';

    assert.equal(text(html`<p title="${hostile}">${hostile}</p>`), `<p title="${escaped}">${escaped}</p>`);
    assert.equal(text(html`${[hostile, [hostile]]}`), escaped + escaped);
  });

  it('takes what another template made as it is, and numbers; null and false are nothing', () => {
    const inner = html`<b>${1}</b>`;

    assert.equal(text(html`<p>${inner}${[inner, null, false]}${0}</p>`), '<p><b>1</b><b>1</b>0</p>');
  });

  it('replaces what HTML does not allow', () => {
    const forbidden = ['\0', '\u0007', '\u007f', '\u009f', '\ufffe', '\ud800'];

    assert.equal(text(html`${forbidden.join('|')}`), forbidden.map(() => '\ufffd').join('|'));
    assert.equal(text(html`${'a\n\tb 😀 猫 עברית'}`), 'a\n\tb 😀 猫 עברית');
  });
});
