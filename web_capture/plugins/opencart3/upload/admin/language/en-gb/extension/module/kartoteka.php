<?php
$_['heading_title']    = 'Kartoteka';
$_['text_success']     = 'Saved.';
$_['text_secret']      = 'kept; leave empty to keep it';
$_['text_name']        = 'The console calls it';
$_['entry_status']     = 'On';
$_['entry_hub']        = 'Address of Kartoteka';
$_['entry_site_key']   = 'Site key';
$_['entry_write_key']  = 'Write key (public)';
$_['entry_secret_key'] = 'Secret key';
$_['button_save']      = 'Save';
$_['button_back']      = 'Back';
$_['error_permission'] = 'You may not change this.';
$_['error_value']      = 'This is no usable value: %s.';
