<?php
/** What this download was made for. The module's page changes it without touching this file. */

defined('VERSION') || exit;

return [
	'hub'        => '__HUB__',
	'site_key'   => '__SITE_KEY__',
	'write_key'  => '__WRITE_KEY__',
	'secret_key' => '__SECRET_KEY__',
];
