import { describe, expect, it } from '@jest/globals';
import { labelledDockerfile } from './dockerfile.js';

const L = 'LABEL vice.deployment="m"';

describe('a labelled Dockerfile', () => {
  it.each([
    ['one FROM', 'FROM a\nRUN b\n', `FROM a\n${L}\nRUN b\n`],
    ['no newline at the end', 'FROM a', `FROM a\n${L}`],
    ['several stages', 'FROM a AS x\nRUN b\nFROM x\n', `FROM a AS x\n${L}\nRUN b\nFROM x\n${L}\n`],
    ['lower case, indented', '  from a as x\nrun b', `  from a as x\n${L}\nrun b`],
    ['CRLF', 'FROM a\r\nRUN b\r\n', `FROM a\r\n${L}\r\nRUN b\r\n`],
    ['ARG and comments before', '# FROM c\nARG V=1\n\nFROM a:$V\n', `# FROM c\nARG V=1\n\nFROM a:$V\n${L}\n`],
    ['a continued FROM', 'FROM \\\n  # why\n\n  a \\\n AS x\nRUN b', `FROM \\\n  # why\n\n  a \\\n AS x\n${L}\nRUN b`],
    ['a FROM continued by nothing', 'FROM a \\\n# end\n', `FROM a \n${L}\n# end\n`],
    ['a FROM within a continued RUN', 'FROM a\nRUN b \\\nFROM c\n', `FROM a\n${L}\nRUN b \\\nFROM c\n`],
    ['another escape', '# escape=`\nFROM `\na\nRUN c:\\\nFROM d', `# escape=\`\nFROM \`\na\n${L}\nRUN c:\\\nFROM d\n${L}`],
    ['an escape too late to count', '# a comment\n# escape=`\nFROM a `\n', `# a comment\n# escape=\`\nFROM a \`\n${L}\n`],
    [
      'heredocs',
      'FROM a\nCOPY <<E <<-"F" /\nFROM b\nE\nFROM c\n\tF\nFROM d\n',
      `FROM a\n${L}\nCOPY <<E <<-"F" /\nFROM b\nE\nFROM c\n\tF\nFROM d\n${L}\n`,
    ],
    ['no heredoc in quotes', 'FROM a\nRUN echo "b <<E c"\nFROM d\nE', `FROM a\n${L}\nRUN echo "b <<E c"\nFROM d\n${L}\nE`],
    ['no heredoc without an end', 'FROM a\nRUN cat <<E\nFROM d\n', `FROM a\n${L}\nRUN cat <<E\nFROM d\n${L}\n`],
    ['a word that begins with from', 'FROM a\nFROMAGE b\n', `FROM a\n${L}\nFROMAGE b\n`],
  ])('has the label after every FROM: %s', (_, before, after) => {
    expect(labelledDockerfile(before, 'vice.deployment', 'm')).toBe(after);
  });
});
