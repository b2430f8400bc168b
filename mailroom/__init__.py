"""The team's work: what is sent, by whom, and what became of it. Knows the gateway client, knows no pages.

The rooms, in the order in which a mail meets them:

- a template: email_templates, comparison, template_files
- what a template says: syntax, nodes, filters, rendering; compiling, compiling_child, markup, mjml_check
- what its author should look at: mail_lint, lint_fields, lint_tags
- what helps to write one: starter, gallery, sample_rows
- a list of recipients: recipients, addresses, sheets, sheet_reading, headers
- a list as a file: texts, csv_files, workbooks, workbook_child, workbook_marks, number_formats
- what is put together: drafts, draft_rows, layouts, sources; lists
- what goes with it: attachments, zips, row_files
- who it is sent from and with: identities, tokens, clients
- a batch: plans, approvals, batches, batch_controls, retries, again, trials, progress, holds, watch
- one mail on its way: states (alone changes one), claims, messages, sender, loads, recorder, outcomes
- did it leave?: reconcile, readings, evidence, settle, doubts, clocks, decisions; restored
- what became of it?: delivery, sweep, sweeper; gateway_history, intake; history, one_mail, one_address; counters
- finding it: search, search_words, search_meaning, search_conditions
- the numbers: reports, tallies, figures, periods, medians; reported_mails, exports, xlsx_files
- the numbers by mail: report_mail, report_schedule, report_content, report_words, report_layout
- who gets no mail: suppressions, suppression_lists, unsubscribe
- from a shell: wishes, shell, spool, asking
- the people: people, team, invites, resets
- what they did: activity, deeds, sending_deeds, library_deeds, team_deeds, account_deeds
- coming in: sign_ins, passwords, throttle, sessions; second_factors, totp, recovery_codes, passkeys, challenges
- what is not kept: forgetting, retention, privacy
- what is put aside, and back: copies, backups, restoring
- a new mailroom: first_steps
- the house: service, settings, preferences, store, schema, times, problems, worker, housekeeping, verify, limited
- secrets: keys, rotation
- how it does: health, logs, machine, waiting, tally, metrics
- what is wrong: doctor, doctor_place, doctor_mails, findings
"""
