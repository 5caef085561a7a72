<?php
/** What this download was made for. The settings page changes it without touching this file. */

defined( 'ABSPATH' ) || exit;

return array(
	'hub'        => '__HUB__',
	'site_key'   => '__SITE_KEY__',
	'write_key'  => '__WRITE_KEY__',
	'secret_key' => '__SECRET_KEY__',
	'consent'    => 'marketing',
	'orders'     => 'yes',
);
