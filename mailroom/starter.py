"""What a new template starts with, so that nobody faces an empty box: a short bill, in Indonesian.

Tables and styles inside the tags, because that is what mail programs understand.
"""

SUBJECT = "Tagihan untuk {{ nama }}"

HTML = """\
<!doctype html>
<html lang="id">
<body style="margin: 0; padding: 0; background: #f2f1ed;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0">
  <tr>
    <td align="center" style="padding: 24px 12px;">
      <table role="presentation" width="100%" cellpadding="0" cellspacing="0"
             style="max-width: 560px; background: #ffffff; border-radius: 8px;
                    font: 16px/1.6 Arial, sans-serif; color: #1d2433;">
        <tr>
          <td style="padding: 32px;">
            <p style="margin: 0 0 16px;">Yth. <b>{{ nama }}</b>,</p>
            <p style="margin: 0 0 16px;">
              Tagihan Anda bulan ini sebesar <b>{{ total }}</b>.
            </p>
            <p style="margin: 0 0 24px;">
              Mohon dibayar sebelum akhir bulan. Bila sudah dibayar, abaikan email ini.
            </p>
            <p style="margin: 0;">Terima kasih.</p>
          </td>
        </tr>
      </table>
      <p style="margin: 16px 0 0; font: 12px/1.5 Arial, sans-serif; color: #6b6b6b;">
        Nama dan alamat perusahaan Anda
      </p>
    </td>
  </tr>
</table>
</body>
</html>
"""

MJML = """\
<mjml lang="id">
  <mj-head>
    <mj-attributes>
      <mj-all font-family="system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif" />
      <mj-text font-size="16px" line-height="1.6" color="#1d2433" />
    </mj-attributes>
  </mj-head>
  <mj-body width="560px" background-color="#f3f2ee">
    <mj-section background-color="#ffffff" border-radius="12px">
      <mj-column>
        <mj-text>Yth. <b>{{ nama }}</b>,</mj-text>
        <mj-text>Tagihan Anda bulan ini sebesar <b>{{ total }}</b>.</mj-text>
        <mj-text>Terima kasih.</mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""
