<?php
/** Settings › Kartoteka: already filled in by the download, changeable by an administrator. */

defined( 'ABSPATH' ) || exit;

/** The hooks of the page. */
function kartoteka_hook_settings_page() {
	add_action( 'admin_menu', 'kartoteka_add_page' );
	add_action( 'admin_init', 'kartoteka_register' );
	add_action( 'admin_post_kartoteka_test', 'kartoteka_test' );
}

/** The entry in the menu. */
function kartoteka_add_page() {
	add_options_page( 'Kartoteka', 'Kartoteka', 'manage_options', 'kartoteka', 'kartoteka_print_settings' );
}

/** The one option; `options.php` checks nonce and capability before it is saved. */
function kartoteka_register() {
	register_setting( 'kartoteka', 'kartoteka', array( 'type' => 'array', 'sanitize_callback' => 'kartoteka_sanitize' ) );
}

/** What may be saved: only what differs from the download, so that a newer download's keys take effect. */
function kartoteka_sanitize( $said ) {
	if ( ! current_user_can( 'manage_options' ) || ! is_array( $said ) ) {
		return get_option( 'kartoteka', array() );
	}
	$defaults = require __DIR__ . '/defaults.php';
	$before   = kartoteka_settings();
	$said    += $defaults; // WordPress cleans the first save twice: the second time it is what was kept of the first
	$clean    = array(
		'hub'        => kartoteka_hub( kartoteka_field( $said, 'hub' ) ),
		'site_key'   => kartoteka_field( $said, 'site_key' ),
		'write_key'  => kartoteka_field( $said, 'write_key' ),
		'secret_key' => '' === kartoteka_field( $said, 'secret_key' ) ? $before['secret_key'] : kartoteka_field( $said, 'secret_key' ),
		'consent'    => sanitize_key( kartoteka_field( $said, 'consent' ) ),
		'orders'     => 'yes' === kartoteka_field( $said, 'orders' ) ? 'yes' : 'no',
	);
	foreach ( array( 'site_key', 'write_key', 'secret_key' ) as $name ) {
		if ( ! kartoteka_is_key( $clean[ $name ] ) ) {
			/* translators: %s: name of a setting */
			add_settings_error( 'kartoteka', 'kartoteka_' . $name, sprintf( esc_html__( 'The %s has not the form of a key; it stays as it was.', 'kartoteka' ), $name ) );
			$clean[ $name ] = $before[ $name ];
		}
	}
	if ( '' === $clean['hub'] ) {
		add_settings_error( 'kartoteka', 'kartoteka_hub', esc_html__( 'The address is one such as https://crm.example.org; it stays as it was.', 'kartoteka' ) );
		$clean['hub'] = $before['hub'];
	}
	if ( defined( 'KARTOTEKA_SECRET_KEY' ) ) {
		unset( $clean['secret_key'] );
	}
	return array_diff_assoc( $clean, $defaults );
}

/** A field of the form as a line of text. */
function kartoteka_field( array $said, $name ) {
	return isset( $said[ $name ] ) && is_string( $said[ $name ] ) ? sanitize_text_field( $said[ $name ] ) : '';
}

/** Send a test event now and say what came back. */
function kartoteka_test() {
	if ( ! current_user_can( 'manage_options' ) ) {
		wp_die( esc_html__( 'You may not do this.', 'kartoteka' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( 'kartoteka_test' );
	$status = kartoteka_post(
		array(
			'messageId'   => 'wp-test-' . wp_generate_uuid4(),
			'anonymousId' => 'wordpress-plugin',
			'event'       => 'Plugin Tested',
			'timestamp'   => gmdate( 'Y-m-d\TH:i:s\Z' ),
			'context'     => array( 'library' => array( 'name' => 'kartoteka-wordpress', 'version' => KARTOTEKA_VERSION ) ),
		)
	);
	wp_safe_redirect( add_query_arg( array( 'page' => 'kartoteka', 'kartoteka_status' => $status ), admin_url( 'options-general.php' ) ) );
	exit;
}

/** What the hub's status means. */
function kartoteka_status_words( $status ) {
	if ( 200 === $status ) {
		return __( 'The hub has taken the test event. It is in the live view of the site.', 'kartoteka' );
	}
	if ( 401 === $status ) {
		return __( 'The hub does not know the secret key: it may be revoked. Download the plugin again, or enter another key.', 'kartoteka' );
	}
	if ( 0 === $status ) {
		return __( 'The hub can not be reached from this server. Check the address and the firewall.', 'kartoteka' );
	}
	/* translators: %d: HTTP status */
	return sprintf( __( 'The hub answered with status %d.', 'kartoteka' ), $status );
}

/** The page. */
function kartoteka_print_settings() {
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	$settings = kartoteka_settings();
	$labels   = array(
		'hub'       => __( 'Address of Kartoteka', 'kartoteka' ),
		'site_key'  => __( 'Site key', 'kartoteka' ),
		'write_key' => __( 'Write key (public)', 'kartoteka' ),
	);
	echo '<div class="wrap"><h1>Kartoteka</h1>';
	if ( isset( $_GET['kartoteka_status'] ) ) { // phpcs:ignore WordPress.Security.NonceVerification
		$status = absint( $_GET['kartoteka_status'] ); // phpcs:ignore WordPress.Security.NonceVerification
		printf( '<div class="notice notice-%s"><p>%s</p></div>', 200 === $status ? 'success' : 'error', esc_html( kartoteka_status_words( $status ) ) );
	}
	echo '<form method="post" action="options.php">';
	settings_fields( 'kartoteka' );
	echo '<table class="form-table" role="presentation">';
	foreach ( $labels as $name => $label ) {
		printf(
			'<tr><th scope="row"><label for="kartoteka-%1$s">%2$s</label></th><td><input type="text" class="regular-text code" id="kartoteka-%1$s" name="kartoteka[%1$s]" value="%3$s" required></td></tr>',
			esc_attr( $name ),
			esc_html( $label ),
			esc_attr( $settings[ $name ] )
		);
	}
	kartoteka_print_secret( $settings );
	kartoteka_print_choices( $settings );
	echo '</table>';
	submit_button();
	echo '</form>';
	printf( '<form method="post" action="%s"><input type="hidden" name="action" value="kartoteka_test">', esc_url( admin_url( 'admin-post.php' ) ) );
	wp_nonce_field( 'kartoteka_test' );
	submit_button( __( 'Send a test event', 'kartoteka' ), 'secondary' );
	echo '</form></div>';
}

/** The secret key is never printed, only its name. */
function kartoteka_print_secret( array $settings ) {
	printf(
		'<tr><th scope="row"><label for="kartoteka-secret">%1$s</label></th><td><input class="regular-text code" type="password" id="kartoteka-secret" name="kartoteka[secret_key]" value="" autocomplete="off" placeholder="%2$s"%4$s><p class="description">%3$s</p></td></tr>',
		esc_html__( 'Secret key', 'kartoteka' ),
		esc_attr__( 'kept; leave empty to keep it', 'kartoteka' ),
		/* translators: %s: name of the key in the console */
		esc_html( sprintf( __( 'The console calls it %s.', 'kartoteka' ), kartoteka_key_name( $settings['secret_key'] ) ) ),
		defined( 'KARTOTEKA_SECRET_KEY' ) ? ' disabled' : ''
	);
}

/** Consent and orders. */
function kartoteka_print_choices( array $settings ) {
	printf(
		'<tr><th scope="row"><label for="kartoteka-consent">%s</label></th><td><select id="kartoteka-consent" name="kartoteka[consent]">',
		esc_html__( 'Kind of consent that is needed', 'kartoteka' )
	);
	$kinds = array(
		'marketing'  => __( 'Marketing', 'kartoteka' ),
		'statistics' => __( 'Statistics', 'kartoteka' ),
		''           => __( 'None: do not ask the consent banner', 'kartoteka' ),
	);
	foreach ( $kinds as $kind => $words ) {
		printf( '<option value="%s"%s>%s</option>', esc_attr( $kind ), selected( $settings['consent'], $kind, false ), esc_html( $words ) );
	}
	printf( '</select><p class="description">%s</p></td></tr>', esc_html__( 'Heeded when the plugin “WP Consent API” and a banner that speaks it are installed.', 'kartoteka' ) );
	printf(
		'<tr><th scope="row">%s</th><td><input type="hidden" name="kartoteka[orders]" value="no"><label><input type="checkbox" name="kartoteka[orders]" value="yes"%s> %s</label></td></tr>',
		esc_html__( 'Orders', 'kartoteka' ),
		checked( $settings['orders'], 'yes', false ),
		esc_html__( 'Tell of orders, refunds and cancellations from this server', 'kartoteka' )
	);
}
